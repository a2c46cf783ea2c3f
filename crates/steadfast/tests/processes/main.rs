//! Several processes on one store: sharing it, and being killed over it.
//!
//! The children are this binary itself: its test `child` plays the role that
//! the environment names, and passes at once when it names none.

mod cold;
mod collections;
mod disks;
mod kills;
mod peer;
mod rescans;
mod sharing;

#[test]
fn child() {
    let Some((role, arguments)) = peer::role() else {
        return;
    };
    match (role.as_str(), arguments.as_slice()) {
        ("collect", [store, number]) => collections::collect(store, number),
        ("open cold", [store, number]) => cold::open_cold(store, number),
        ("write notes", [store, journal]) => disks::write_notes(store, journal),
        ("rescan", [store, tree]) => rescans::rescan(store, tree),
        ("index", [store, tree]) => sharing::index(store, tree),
        ("answer", [store]) => sharing::answer(store),
        ("index folders", [store, tree]) => kills::index_folders(store, tree),
        other => panic!("there is no such role: {other:?}"),
    }
}
