//! Every column has its rule, what is mended satisfies it, and a page does not lend its rows to another table.

use rusqlite::Connection;
use rusqlite::types::Value;

use super::{Fate, Origin, columns_of, is_sound, settle};
use crate::sqlite::schema::MIGRATIONS;

fn tables(connection: &Connection) -> Vec<String> {
    let sql = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'";
    let mut statement = connection.prepare(sql).unwrap();
    let names = statement.query_map([], |row| row.get(0)).unwrap();
    names.map(Result::unwrap).collect()
}

#[test]
fn every_column_of_the_schema_has_its_rule_in_its_place() {
    let connection = Connection::open_in_memory().unwrap();
    for migration in MIGRATIONS {
        connection.execute_batch(migration).unwrap();
    }
    let mut tables = tables(&connection);
    tables.sort_unstable();
    assert_eq!(tables, super::tables::TABLES);
    for table in tables {
        let mut statement = connection
            .prepare("SELECT name, \"notnull\" OR pk FROM pragma_table_info(?1)")
            .unwrap();
        let found: Vec<(String, bool)> = statement
            .query_map([&table], |row| Ok((row.get(0)?, row.get(1)?)))
            .unwrap()
            .map(Result::unwrap)
            .collect();
        let ruled: Vec<(String, bool)> = columns_of(&table)
            .iter()
            .map(|column| (column.name.to_owned(), !column.may_be_null))
            .collect();
        assert_eq!(ruled, found, "{table}");
    }
}

#[test]
fn what_is_mended_satisfies_its_rule() {
    let wrong = [
        Value::Null,
        Value::Integer(i64::MIN),
        Value::Integer(i64::MAX),
        Value::Real(0.5),
        Value::Text("\u{1b}".to_owned()),
        Value::Blob(vec![0xff; 7]),
    ];
    let mut mended = 0;
    for table in [
        "store",
        "documents",
        "facets",
        "chunks",
        "spaces",
        "indexes",
        "commits",
        "jobs",
        "collections",
        "roots",
        "assignments",
        "intervals",
    ] {
        let columns = columns_of(table);
        for place in 0..columns.len() {
            for value in &wrong {
                let mut values: Vec<Value> =
                    columns.iter().map(|column| sample(column.rule)).collect();
                assert!(is_sound(table, &refs(&values)), "{table} {values:?}");
                values[place] = value.clone();
                let was_sound = is_sound(table, &refs(&values));
                match settle(table, &mut values, Origin::Tree) {
                    Fate::Sound => assert!(was_sound),
                    Fate::LeftOut => assert!(!was_sound),
                    Fate::Mended(count) => {
                        assert!(
                            !was_sound && (1..=2).contains(&count),
                            "{table} {place} {count}"
                        );
                        assert!(
                            is_sound(table, &refs(&values)),
                            "{table} {place} {values:?}"
                        );
                        mended += 1;
                    }
                }
            }
        }
    }
    assert!(mended > 100, "{mended}");
}

fn refs(values: &[Value]) -> Vec<rusqlite::types::ValueRef<'_>> {
    values.iter().map(Into::into).collect()
}

fn sample(rule: super::Rule) -> Value {
    use super::Rule;
    match rule {
        Rule::Number(least, most) => Value::Integer(1_i64.clamp(least, most)),
        Rule::Text | Rule::Namespace | Rule::NamespaceOrEmpty | Rule::Collection => {
            Value::Text("name".to_owned())
        }
        Rule::Object => Value::Text("{}".to_owned()),
        Rule::Texts | Rule::Rows => Value::Text("[]".to_owned()),
        Rule::Bytes(length) => Value::Blob(vec![1; length.unwrap_or(5)]),
    }
}

#[test]
fn a_row_of_another_table_is_not_taken_from_a_page() {
    let interval = || {
        vec![
            7.into(),
            1_700_000_000_000_i64.into(),
            1_700_000_000_500_i64.into(),
        ]
    };
    let mut row: Vec<Value> = interval();
    assert_eq!(
        settle("record_ranges", &mut row, Origin::Page),
        Fate::LeftOut
    );
    assert_eq!(
        settle("intervals", &mut interval(), Origin::Page),
        Fate::Sound
    );
    let mut range: Vec<Value> = vec![7.into(), 900.into(), 2.into()];
    assert_eq!(
        settle("record_ranges", &mut range, Origin::Page),
        Fate::Sound
    );
    assert_eq!(settle("intervals", &mut range, Origin::Page), Fate::LeftOut);
    let mut backwards: Vec<Value> = vec![7.into(), 3.into(), 2.into()];
    assert_eq!(
        settle("record_ranges", &mut backwards, Origin::Tree),
        Fate::LeftOut
    );
    let mut late: Vec<Value> = vec![7.into(), 3.into()];
    assert_eq!(
        settle("assignments", &mut late, Origin::Page),
        Fate::LeftOut
    );
}
