//! What is taken for a secret: a table, one line a rule.
//!
//! A rule is looked at only where one of its literals stands; the literals of
//! all rules are found in one pass. The expression is matched from there on, so
//! it begins with `^`, and its first group is the secret; without a group the
//! whole match is. The order is the precedence: of two matches that overlap the
//! earlier rule names the kind.
//!
//! Sources of the formats: the providers' own pages on their tokens, and for
//! lengths the tokens they show there. A length is a lower bound where the
//! provider does not promise it. Deliberately not here: checksums, which
//! several providers put into their tokens but promise nowhere. A wrong guess
//! would let a secret through.

use std::ops::Range;

use super::assignment;
use super::name::Class;
use super::{Found, REACH_BYTES, blocks, check};

/// A sort of secret, and how it is told.
pub(super) struct Rule {
    /// What stands in its place is `[redacted:KIND]`.
    pub(super) kind: &'static str,
    /// One of them stands in every place that can match.
    pub(super) literals: &'static [&'static str],
    pub(super) find: Find,
    /// Whether what was found is a secret and not an example of one.
    pub(super) check: fn(&str) -> bool,
    pub(super) before: Before,
    /// How far from its literal an expression looks.
    pub(super) reach_bytes: usize,
}

/// How the bounds of a secret are found.
pub(super) enum Find {
    /// An expression.
    Pattern(&'static str),
    /// A function of the text and the place of the literal.
    Function(fn(&str, Range<usize>) -> Option<Range<usize>>),
    /// The same for values, of which only the beginning is looked at.
    Value(fn(&str, Range<usize>) -> Option<Found>),
}

/// What may stand before the literal.
pub(super) enum Before {
    /// Nothing that goes on as a word into the literal.
    Boundary,
    /// Anything.
    Anything,
    /// Digits, which belong to the match.
    Digits,
    /// A word with its hyphens and dots, which belongs to the match.
    Word,
    /// Anything from the start of the line, which belongs to the match.
    Line,
}

const fn rule(kind: &'static str, literals: &'static [&'static str], find: Find) -> Rule {
    Rule {
        kind,
        literals,
        find,
        check: check::random,
        before: Before::Boundary,
        reach_bytes: REACH_BYTES,
    }
}

const fn token(
    kind: &'static str,
    literals: &'static [&'static str],
    pattern: &'static str,
) -> Rule {
    rule(kind, literals, Find::Pattern(pattern))
}

impl Rule {
    const fn check(mut self, check: fn(&str) -> bool) -> Self {
        self.check = check;
        self
    }

    const fn before(mut self, before: Before) -> Self {
        self.before = before;
        self
    }

    const fn reach(mut self, bytes: usize) -> Self {
        self.reach_bytes = bytes;
        self
    }
}

/// All rules, the more particular first.
pub(super) const RULES: &[Rule] = &[
    rule(
        "private_key",
        &["-----BEGIN ", "Private-Lines:"],
        Find::Function(blocks::private_key),
    )
    .check(check::anything)
    .before(Before::Anything),
    token(
        "age_key",
        &["AGE-SECRET-KEY-1"],
        "^AGE-SECRET-KEY-1[0-9A-Z]{58}",
    ),
    token(
        "anthropic_key",
        &["sk-ant-"],
        "^sk-ant-[A-Za-z0-9_-]{20,}",
    ),
    token("openrouter_key", &["sk-or-"], "^sk-or-v1-[0-9a-f]{32,}"),
    token(
        "openai_key",
        &["sk-"],
        "^sk-(?:proj-|svcacct-|admin-)?[A-Za-z0-9_-]{20,}",
    )
    .check(check::opaque),
    // Before the rule for the first of the pair, which ends the look at this place.
    token(
        "aws_secret_access_key",
        &["AKIA", "ASIA"],
        r#"^A(?:KIA|SIA)[A-Z0-9]{16}["',;:| \t\r\n]{1,5}([A-Za-z0-9/+]{40})(?:[^A-Za-z0-9/+=]|$)"#,
    ),
    token(
        "aws_access_key_id",
        &["AKIA", "ASIA", "ABIA", "ACCA"],
        r"^A(?:KIA|SIA|BIA|CCA)[A-Z0-9]{16}(?-u:\b)",
    ),
    token(
        "aws_secret_access_key",
        &[
            "secret_access_key",
            "SECRET_ACCESS_KEY",
            "ecretAccessKey",
            "aws_secret_key",
            "AWS_SECRET_KEY",
        ],
        r#"^[A-Za-z_]{10,24}["'\\\]]{0,3}[ \t]{0,16}(?:=>|:=|=|:)[ \t]{0,16}["'\\]{0,2}([A-Za-z0-9/+]{40})(?:[^A-Za-z0-9/+=]|$)"#,
    )
    .before(Before::Anything),
    token(
        "github_token",
        &["ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"],
        "^(?:gh[pousr]_[A-Za-z0-9]{30,255}|github_pat_[A-Za-z0-9_]{36,255})",
    ),
    token(
        "gitlab_token",
        &[
            "glpat-", "glptt-", "gldt-", "glrt-", "glcbt-", "glsoat-", "glft-", "glagent-",
            "gloas-", "glffct-", "glimt-", "glwt-", "GR1348941",
        ],
        r"^(?:gl[a-z]{2,6}-[A-Za-z0-9_-]{20,}(?:\.[0-9a-z]{2}\.[0-9A-Za-z]{7,12})?|GR1348941[A-Za-z0-9_-]{20,})",
    ),
    token(
        "slack_token",
        &["xox", "xapp-"],
        r"^(?:xox[a-z](?:\.xox[a-z])?-[A-Za-z0-9-]{10,}|xapp-[0-9]-[A-Za-z0-9-]{20,})",
    ),
    token(
        "slack_webhook",
        &["hooks.slack.com/"],
        r"^hooks\.slack\.com/[a-z]+/([A-Za-z0-9_/+-]{20,})",
    )
    .before(Before::Anything),
    token(
        "stripe_key",
        &["sk_live_", "rk_live_"],
        "^[sr]k_live_[A-Za-z0-9]{16,}",
    ),
    token(
        "webhook_secret",
        &["whsec_"],
        "^whsec_[A-Za-z0-9+/]{24,}={0,2}",
    ),
    token(
        "google_api_key",
        &["AIza"],
        "^(AIza[A-Za-z0-9_-]{35})(?:[^A-Za-z0-9_-]|$)",
    ),
    token("google_secret", &["GOCSPX-"], "^GOCSPX-[A-Za-z0-9_-]{20,}"),
    token(
        "google_token",
        &["ya29.", "1//0"],
        r"^(?:ya29\.[A-Za-z0-9_-]{20,}|1//0[A-Za-z0-9_-]{30,})",
    ),
    token("huggingface_token", &["hf_"], "^hf_[A-Za-z0-9]{30,}"),
    token("npm_token", &["npm_"], r"^npm_[A-Za-z0-9]{36}(?-u:\b)"),
    token("pypi_token", &["pypi-AgE"], "^pypi-AgE[A-Za-z0-9_-]{50,}"),
    token("crates_io_token", &["cio"], r"^cio[A-Za-z0-9]{32}(?-u:\b)"),
    token("rubygems_key", &["rubygems_"], "^rubygems_[0-9a-f]{48}"),
    token("docker_token", &["dckr_"], "^dckr_(?:pat|oat)_[A-Za-z0-9_-]{27,}"),
    token(
        "digitalocean_token",
        &["dop_v1_", "doo_v1_", "dor_v1_"],
        "^do[opr]_v1_[0-9a-f]{64}",
    ),
    token(
        "sendgrid_key",
        &["SG."],
        r"^SG\.[A-Za-z0-9_-]{16,32}\.[A-Za-z0-9_-]{32,64}",
    ),
    token("twilio_key", &["SK"], r"^SK[0-9a-f]{32}(?-u:\b)"),
    token("mailgun_key", &["key-"], r"^key-[0-9a-f]{32}(?-u:\b)").before(Before::Word),
    token(
        "mailchimp_key",
        &["-us1", "-us2", "-us3", "-us4", "-us5", "-us6", "-us7", "-us8", "-us9"],
        r"^[0-9a-f]{32}-us[0-9]{1,2}(?-u:\b)",
    )
    .before(Before::Word),
    rule("airtable_token", &["pat"], Find::Function(blocks::airtable)),
    token(
        "mapbox_token",
        &["sk.eyJ"],
        r"^sk\.eyJ[A-Za-z0-9_-]{20,}\.[A-Za-z0-9_-]{16,}",
    ),
    token("heroku_key", &["HRKU-AA"], "^HRKU-AA[A-Za-z0-9_-]{40,}"),
    token("dropbox_token", &["sl."], r"^sl\.[A-Za-z0-9_-]{80,}"),
    token(
        "azure_client_secret",
        &["7Q~", "8Q~", "9Q~"],
        r"^[A-Za-z0-9_.-]{3}[0-9]Q~[A-Za-z0-9_~.-]{31,34}",
    )
    .before(Before::Word),
    token(
        "telegram_token",
        &[":AA"],
        "^[0-9]{8,10}:AA[A-Za-z0-9_-]{32,33}",
    )
    .before(Before::Digits),
    token(
        "discord_webhook",
        &["/api/webhooks/"],
        "^/api/webhooks/[0-9]{15,22}/([A-Za-z0-9_-]{40,})",
    )
    .before(Before::Anything),
    token(
        "discord_token",
        &["Bot "],
        r"^Bot ([A-Za-z0-9_-]{23,28}\.[A-Za-z0-9_-]{6,7}\.[A-Za-z0-9_-]{27,40})",
    ),
    token(
        "shopify_token",
        &["shpat_", "shpca_", "shppa_", "shpss_"],
        "^shp[a-z]{2}_[0-9a-fA-F]{32}",
    ),
    token(
        "square_token",
        &["sq0atp-", "sq0csp-", "EAAA"],
        "^(?:sq0(?:atp|csp)-[A-Za-z0-9_-]{22,}|(EAAA[A-Za-z0-9_-]{60})(?:[^A-Za-z0-9_+/=-]|$))",
    ),
    token(
        "doppler_token",
        &["dp."],
        r"^dp\.(?:pt|ct|sa|scim|audit|st(?:\.[a-z0-9_-]{2,35})?)\.[A-Za-z0-9]{40,44}",
    ),
    token(
        "vault_token",
        &["hvs.", "hvb.", "hvr."],
        r"^hv[sbr]\.[A-Za-z0-9_-]{24,}",
    ),
    token(
        "databricks_token",
        &["dapi"],
        r"^dapi[0-9a-f]{32}(?:-[0-9])?(?-u:\b)",
    ),
    token("linear_key", &["lin_"], "^lin_(?:api|oauth)_[A-Za-z0-9]{32,}"),
    token(
        "notion_token",
        &["secret_", "ntn_"],
        r"^(?:secret_[A-Za-z0-9]{43}|ntn_[A-Za-z0-9]{40,50})(?-u:\b)",
    ),
    token("groq_key", &["gsk_"], "^gsk_[A-Za-z0-9]{40,}"),
    token("xai_key", &["xai-"], "^xai-[A-Za-z0-9]{60,}"),
    token("perplexity_key", &["pplx-"], "^pplx-[A-Za-z0-9]{40,}"),
    token("replicate_token", &["r8_"], r"^r8_[A-Za-z0-9]{37}(?-u:\b)"),
    token("langsmith_key", &["lsv2_"], "^lsv2_(?:pt|sk)_[0-9a-f]{32}_[0-9a-f]{10}"),
    token("pinecone_key", &["pcsk_"], "^pcsk_[A-Za-z0-9_]{40,}"),
    token("tavily_key", &["tvly-"], "^tvly-[A-Za-z0-9_-]{20,}"),
    token("figma_token", &["figd_"], "^figd_[A-Za-z0-9_-]{36,}"),
    token("postman_key", &["PMAK-"], "^PMAK-[0-9a-f]{24}-[0-9a-f]{34}"),
    token("new_relic_key", &["NRAK-"], "^NRAK-[A-Z0-9]{27}"),
    token("atlassian_token", &["ATATT3"], "^ATATT3[A-Za-z0-9_=-]{60,}"),
    token("sentry_token", &["sntrys_"], "^sntrys_[A-Za-z0-9+/=_-]{60,}"),
    token("grafana_token", &["glsa_", "glc_"], "^gl(?:sa|c)_[A-Za-z0-9+/=_]{32,}"),
    token("supabase_token", &["sbp_"], r"^sbp_[0-9a-f]{40}(?-u:\b)"),
    token(
        "tailscale_key",
        &["tskey-"],
        "^tskey-[a-z]+-[A-Za-z0-9]{8,}-?[A-Za-z0-9]{16,}",
    ),
    token(
        "planetscale_token",
        &["pscale_"],
        r"^pscale_(?:tkn|pw|oauth)_[A-Za-z0-9_.=-]{32,}",
    ),
    token(
        "azure_key",
        &["AccountKey=", "SharedAccessKey="],
        "^[A-Za-z]+=([A-Za-z0-9+/]{40,88}={0,2})",
    )
    .before(Before::Anything),
    token(
        "azure_signature",
        &["&sig=", "?sig="],
        "^[&?]sig=([A-Za-z0-9%+/_-]{40,}={0,2})",
    )
    .before(Before::Anything),
    token(
        "jwt",
        &["eyJ"],
        r"^eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{16,}",
    )
    .check(check::jwt)
    // The third part comes only behind what the token says of its holder.
    .reach(4 << 10),
    rule("url_password", &["://"], Find::Function(blocks::url_password))
        .check(check::chosen_password)
        .before(Before::Anything),
    token(
        "bearer_token",
        &["Bearer ", "bearer ", "BEARER "],
        r"^[A-Za-z]{6} +((?:[0-9]{1,10}\|)?[A-Za-z0-9._~+/%-]{16,}={0,2})",
    )
    .check(check::opaque),
    token(
        "basic_auth",
        &["Basic ", "basic "],
        "^[Bb]asic +([A-Za-z0-9+/]{8,}={0,2})",
    )
    .check(check::basic_auth),
    token(
        "docker_auth",
        &["\"auth\""],
        r#"^"auth"[ \t]*:[ \t]*"([A-Za-z0-9+/]{8,}={0,2})""#,
    )
    .check(check::basic_auth)
    .before(Before::Anything),
    token(
        "authorization",
        &["uthorization", "UTHORIZATION"],
        r#"^(?i:uthorization)["'\\\]]{0,3}[ \t]*[:=][ \t]*["'\\]{0,2}(?:(?:[Bb]earer|[Tt]oken|[Kk]ey|ApiKey|OAuth|SSWS) )?((?:[0-9]{1,10}\|)?[A-Za-z0-9._~+/:%-]{16,}={0,2})"#,
    )
    .check(check::opaque)
    .before(Before::Anything),
    token(
        "netrc_password",
        &["machine "],
        r#"^machine[ \t]+\S+\s+(?:login|account)\s+\S+\s+password\s+["']?([^\s"']+)"#,
    )
    .check(check::chosen_password),
    token(
        "pgpass_password",
        &[":5432:", ":*:"],
        r"^[^\s:#]{1,128}:(?:[0-9]{1,5}|\*):[^\s:]{1,64}:[^\s:]{1,64}:([^\s:]{4,})(?m:$)",
    )
    .check(check::chosen_password)
    .before(Before::Line),
    token(
        "npmrc_token",
        &[":_authToken", ":_auth", ":_password"],
        r#"^:_[A-Za-z]+[ \t]*=[ \t]*["']?([^\s"']{8,})"#,
    )
    .check(check::chosen_password)
    .before(Before::Anything),
    token(
        "password",
        &["IDENTIFIED BY ", "identified by ", "PASSWORD '", "password '"],
        r#"^[A-Za-z ]+['"]([^'"\s]{4,})['"]"#,
    )
    .check(check::password),
    token(
        "password",
        &[" -u", " --user"],
        r#"^ (?:-u|--user[ =]) {0,2}["']?[A-Za-z0-9_][A-Za-z0-9_.@%+-]{0,64}:([^\s"'/][^\s"']{3,})"#,
    )
    .check(check::password)
    .before(Before::Anything),
    token(
        "password",
        &["sshpass -p"],
        r#"^sshpass -p ?["']?([^\s"']{4,})"#,
    )
    .check(check::chosen_password),
    token(
        "password",
        &["mysql ", "mysqldump ", "mysqladmin ", "mariadb ", "mariadb-dump "],
        r#"^[a-z-]+ (?:[^\n|;&]{0,120} )?-p["']?([^\s"']{4,})"#,
    )
    .check(check::password),
    token(
        "password",
        &["redis-cli "],
        r#"^redis-cli (?:[^\n|;&]{0,120} )?(?:-a|--pass) ["']?([^\s"']{4,})"#,
    )
    .check(check::password),
    rule(
        "password",
        &[
            "pw", "Pw", "PW", "pass", "Pass", "PASS", "pwd", "Pwd", "PWD",
        ],
        Find::Value(|text, at| assignment::assigned(text, at, &[Class::Password, Class::Pass])),
    )
    .check(check::anything)
    .before(Before::Anything),
    rule(
        "secret",
        &[
            "secret", "Secret", "SECRET", "token", "Token", "TOKEN", "key", "Key", "KEY",
            "credential", "Credential", "CREDENTIAL",
        ],
        Find::Value(|text, at| assignment::assigned(text, at, &[Class::Secret])),
    )
    .check(check::anything)
    .before(Before::Anything),
];
