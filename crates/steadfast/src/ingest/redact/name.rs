//! What a name means: a secret, or something about one. One table for text and metadata.
//!
//! A name is cut into words, `DB_PASSWORD`, `dbPassword` and `db-password`
//! alike. The last keyword among them decides; what follows it may be anything
//! (`_PRODUCTION`, `_v2`, `_admin`) but a word that turns the name into one for
//! something about the secret (`_file`, `_count`).
//!
//! Deliberately not here: how a value must look; that is its class.

/// What a name promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// Something that a person thinks of.
    Password,
    /// The same, by a word that has other meanings too.
    Pass,
    /// Something that a machine makes.
    Secret,
}

/// The most words that may follow a keyword.
const WORDS_BEHIND_MAX: usize = 3;

/// Words for what a person thinks of. A word may end with them: `dbpassword`.
const PASSWORDS: &[&str] = &[
    "password",
    "passwd",
    "passphrase",
    "passcode",
    "passwort",
    "pwd",
];

/// Words for what a machine makes. A word may end with them: `authtoken`.
const SECRETS: &[&str] = &[
    "secret",
    "token",
    "credential",
    "credentials",
    "authorization",
];

/// What `pass` is written together with when it means a password; `bypass` and `compass` do not.
const PASS_OWNERS: &str = "\
    admin auth db email ftp http imap login mail mongo my mysql pg proxy redis root smtp sql ssh user wifi";

/// What makes a key a secret one.
const KEYS: &str = "\
    access account api auth encryption fernet hmac jwt master private secret signing subscription token";

/// What a keyword may be written together with at its end.
const TOGETHER: &str = "\
    base dev hex key live phrase plain prod raw staging string text value";

/// Words behind a keyword that make the name one of something about the secret.
const ABOUT: &str = "\
    age alg algorithm and arn at attribute audience binding bits bucket button bytes cache callback change \
    changed char chars class column config cost count counter created date description dialog digest dir \
    disabled doc duration enabled encoding encryption end endpoint env error errors example exp expiration \
    expired expires expiry field file filename files fingerprint flags flow folder for form format from grant \
    group handle handler has hash hashed header help hint host icon id identifier ids in index info input is \
    issuer keys kind label len length lifetime limit link list loc location manager map mask match max message \
    method min mode model msg name names namespace num number of offset option options or owner page param \
    parameter params path pattern placeholder policy pos position prefix prompt property provider ratio ref \
    reference regex regexp required requirements reset rest role rounds rule rules salt scheme scope scopes \
    script section selector separator server service set settings size source span start state status store \
    stream strength style suffix symbol table tag template time timeout title to tooltip ttl type types updated \
    uri url usage user username uuid valid validation validator var variable version view visibility width";

/// Words before `token` of what is handed out to everybody.
const PUBLIC: &str = "\
    bos cancel cancellation continuation cursor end eos next nextpage pad page pagination public start stop sync \
    unk";

/// Returns what a name promises, when it names the secret itself.
pub(super) fn class_of(name: &str) -> Option<Class> {
    let spelt = spelt(name);
    let words: Vec<&str> = spelt.split(' ').filter(|word| !word.is_empty()).collect();
    let (at, class) = (0..words.len())
        .rev()
        .find_map(|at| Some((at, class_of_word(&words, at)?)))?;
    let behind = words.get(at + 1..)?;
    if behind.len() > WORDS_BEHIND_MAX || is_about(&words, at, behind) {
        return None;
    }
    let before = at.checked_sub(1).and_then(|before| words.get(before));
    let is_public = match (words.get(at), before) {
        (Some(&"token"), Some(before)) => is_one_of(PUBLIC, before),
        (Some(word), _) if word.ends_with("token") => word
            .strip_suffix("token")
            .is_some_and(|before| is_one_of(PUBLIC, before)),
        (Some(&"key"), Some(_)) => at >= 2 && words.get(at - 2) == Some(&"public"),
        _ => false,
    };
    (!is_public).then_some(class)
}

/// Returns what a name in metadata promises: its last part does, so `db.password` and `db password` are names too.
pub(super) fn class_of_path(name: &str) -> Option<Class> {
    let mut parts = name
        .rsplit(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '-'))
        .filter(|part| !part.is_empty());
    let last = parts.next()?;
    // `api.key`: the last part alone does not say which key.
    let before = parts.next().unwrap_or_default();
    class_of(last).or_else(|| class_of(&format!("{before}_{last}")))
}

fn is_about(words: &[&str], at: usize, behind: &[&str]) -> bool {
    // What Vault calls the id of a secret is the secret.
    let is_secret_id = words.get(at) == Some(&"secret") && behind == ["id"];
    !is_secret_id && behind.iter().any(|word| is_one_of(ABOUT, word))
}

/// Returns what a word of a name promises.
fn class_of_word(words: &[&str], at: usize) -> Option<Class> {
    let word = *words.get(at)?;
    let ends = |of: &[&str]| of.iter().any(|end| word.ends_with(end));
    let before = at.checked_sub(1).and_then(|before| words.get(before));
    if let Some(which) = word.strip_suffix("key") {
        let is_secret = if which.is_empty() {
            before.is_some_and(|before| words_of(KEYS).any(|key| before.ends_with(key)))
        } else {
            words_of(KEYS).any(|key| which.ends_with(key))
        };
        return is_secret.then_some(Class::Secret);
    }
    if let Some(owner) = word.strip_suffix("pass") {
        return match (owner, before) {
            ("", Some(before)) if is_one_of(PASS_OWNERS, before) => Some(Class::Password),
            ("", _) => Some(Class::Pass),
            _ => is_one_of(PASS_OWNERS, owner).then_some(Class::Password),
        };
    }
    if word == "pw" {
        return Some(Class::Pass);
    }
    if ends(PASSWORDS) {
        return Some(Class::Password);
    }
    if ends(SECRETS) {
        return Some(Class::Secret);
    }
    let stem = words_of(TOGETHER).find_map(|end| word.strip_suffix(end))?;
    let is = |of: &[&str]| of.iter().any(|end| stem.ends_with(end));
    if is(PASSWORDS) {
        Some(Class::Password)
    } else {
        is(SECRETS).then_some(Class::Secret)
    }
}

fn words_of(list: &'static str) -> impl Iterator<Item = &'static str> {
    list.split(' ')
}

fn is_one_of(list: &'static str, word: &str) -> bool {
    words_of(list).any(|one| one == word)
}

/// Returns a name in lower case with spaces between its words.
fn spelt(name: &str) -> String {
    let mut spelt = String::with_capacity(name.len() + 8);
    let bytes = name.as_bytes();
    for (at, byte) in bytes.iter().enumerate() {
        if !byte.is_ascii_alphabetic() {
            spelt.push(' ');
            continue;
        }
        let is_upper = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_uppercase);
        let is_lower = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_lowercase);
        let is_start = at > 0
            && byte.is_ascii_uppercase()
            && (is_lower(at - 1) || is_upper(at - 1) && is_lower(at + 1));
        if is_start {
            spelt.push(' ');
        }
        spelt.push(char::from(byte.to_ascii_lowercase()));
    }
    spelt
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_secrets_and_of_what_is_about_them() {
        for name in words_of(
            "password DB_PASSWORD dbPassword DBPassword db-passwd passwordText DB_PASSWORD_PRODUCTION \
            DB_PASSWORD_LOCAL DB_PASSWORD_TEST password_admin BACKEND_PASSWORD RSYNC_PASSWORD DBPASS dbPass \
            DB_PASS smtpPass MYSQL_PWD",
        ) {
            assert_eq!(class_of(name), Some(Class::Password), "{name}");
        }
        for name in words_of(
            "APIKey MyAPIKey API_Key API_KEY_V2 apikey api-key X-Api-Key SECRET_KEY_BASE TOKEN_GITHUB \
            VAULT_SECRET_ID hmac_secret_b64 secretHex BACKEND_API_KEY FRONTEND_SECRET RESEND_API_KEY \
            SEND_TOKEN LAUNCHPAD_TOKEN NEXT_SECRET access_token accessTokenSecret jwtSecret signing_key \
            encryptionKey auth_key master_key accountKey secretkey",
        ) {
            assert_eq!(class_of(name), Some(Class::Secret), "{name}");
        }
        for name in ["pass", "PASS", "step_pass", "DB_PW"] {
            assert_eq!(class_of(name), Some(Class::Pass), "{name}");
        }
        for name in words_of(
            "password_file passwordHash token_count max_tokens tokenizer key next_token nextPageToken \
            pad_token secretName secretKeyRef monkey compass bypass primary_key public_key \
            NEXT_PUBLIC_API_KEY token_id aws_access_key_id API_KEY_URL token_endpoint_auth_method passwords",
        ) {
            assert_eq!(class_of(name), None, "{name}");
        }
    }

    #[test]
    fn the_last_part_of_a_path_is_its_name() {
        for name in [
            "db.password",
            "client.secret",
            "api.key",
            "DB PASS",
            "api key",
            "a/b:token",
        ] {
            assert!(class_of_path(name).is_some(), "{name}");
        }
        for name in words_of("password.policy token.count key secret.name  ...") {
            assert_eq!(class_of_path(name), None, "{name}");
        }
    }
}
