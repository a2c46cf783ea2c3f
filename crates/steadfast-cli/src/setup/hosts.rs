//! The hosts: where their files are, and what stands in them when we are set up.
//!
//! Sources: code.claude.com/docs (settings, hooks, mcp), developers.openai.com/codex (config, hooks),
//! cursor.com/docs (mcp, hooks), geminicli.com/docs (settings, hooks), code.visualstudio.com/docs (mcp, hooks).

use std::path::{Path, PathBuf};

use clap::ValueEnum;
use serde_json::{Value, json};
use steadfast_server::hooks::event::Event;

use super::edit::Edit;

/// The name under which hosts know us.
const NAME: &str = "steadfast";
/// How long a host waits for a hook at most; one takes milliseconds.
const TIMEOUT_S: u64 = 10;

/// A program that runs agents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Host {
    /// Claude Code
    ClaudeCode,
    /// Codex
    Codex,
    /// Cursor
    Cursor,
    /// Gemini CLI
    Gemini,
    /// Visual Studio Code
    Vscode,
}

impl Host {
    pub(crate) const ALL: [Self; 5] = [
        Self::ClaudeCode,
        Self::Codex,
        Self::Cursor,
        Self::Gemini,
        Self::Vscode,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::ClaudeCode => "claude-code",
            Self::Codex => "codex",
            Self::Cursor => "cursor",
            Self::Gemini => "gemini",
            Self::Vscode => "vscode",
        }
    }

    /// Returns what the user should know beside the plan.
    pub(crate) fn note(self) -> &'static str {
        match self {
            Self::ClaudeCode => "end running sessions of Claude Code first: it writes its file too",
            Self::Codex => "Codex asks you to trust new hooks once: see /hooks there",
            Self::Cursor | Self::Vscode => "restart the program, then allow the server there",
            Self::Gemini => "start a new session",
        }
    }
}

/// For whom a host is set up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// For the user, in all projects.
    User,
    /// For everybody who works on the project in the current folder.
    Project,
}

impl Scope {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Project => "project",
        }
    }
}

/// Where the folders of hosts are, and how we are started.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    pub(crate) home: PathBuf,
    /// The folder of the project.
    pub(crate) project: PathBuf,
    /// `CLAUDE_CONFIG_DIR`, where Claude Code keeps its files when it is set.
    pub(crate) claude: Option<PathBuf>,
    /// `CODEX_HOME`, likewise.
    pub(crate) codex: Option<PathBuf>,
    /// The folder of Visual Studio Code with the user's settings.
    pub(crate) vscode: PathBuf,
    /// The program, and what comes before its command.
    pub(crate) program: Vec<String>,
    /// Answer prompts, too.
    pub(crate) recall: bool,
}

/// A file of a host, and what is to stand in it.
#[derive(Clone, Debug)]
pub(crate) struct HostFile {
    pub(crate) path: PathBuf,
    pub(crate) edits: Vec<Edit>,
}

impl Layout {
    /// Returns whether a host seems to be installed.
    pub(crate) fn has(&self, host: Host) -> bool {
        match host {
            Host::ClaudeCode => self.claude_folder().is_dir() || self.claude_file().is_file(),
            Host::Codex => self.codex_folder().is_dir(),
            Host::Cursor => self.home.join(".cursor").is_dir(),
            Host::Gemini => self.home.join(".gemini").is_dir(),
            Host::Vscode => self.vscode.is_dir(),
        }
    }

    /// Returns the files that setting up a host changes.
    pub(crate) fn files(&self, host: Host, scope: Scope) -> Vec<HostFile> {
        let base = |name: &str| match scope {
            Scope::User => self.home.join(name),
            Scope::Project => self.project.join(name),
        };
        match host {
            Host::ClaudeCode => self.claude_code(scope),
            Host::Codex => {
                let folder = match scope {
                    Scope::User => self.codex_folder(),
                    Scope::Project => self.project.join(".codex"),
                };
                let (command, arguments) = self.server();
                let server = Edit::TomlTable {
                    table: "mcp_servers",
                    name: NAME,
                    values: vec![
                        ("command", toml::Value::from(command)),
                        ("args", toml::Value::from(arguments)),
                    ],
                };
                let events = ["SessionStart", "UserPromptSubmit", "PreCompact", "Stop"];
                let hooks = self.hooks(&events, TIMEOUT_S);
                vec![
                    file(folder.join("config.toml"), vec![server]),
                    file(folder.join("hooks.json"), hooks),
                ]
            }
            Host::Cursor => {
                // Its hook for prompts is documented to take no context.
                let events = ["sessionStart", "preCompact", "stop", "sessionEnd"];
                let hooks = self.flat_hooks(&events, |command| json!({"command": command}));
                vec![
                    file(
                        base(".cursor/mcp.json"),
                        vec![self.json_server("mcpServers")],
                    ),
                    file(base(".cursor/hooks.json"), hooks),
                ]
            }
            Host::Gemini => {
                let (command, arguments) = self.server();
                // Its servers have no `type`: a command says it.
                let server = Edit::JsonMember {
                    path: vec!["mcpServers"],
                    key: NAME,
                    value: json!({"command": command, "args": arguments}),
                };
                let events = [
                    "SessionStart",
                    "BeforeAgent",
                    "AfterAgent",
                    "PreCompress",
                    "SessionEnd",
                ];
                // Milliseconds here.
                let mut edits = self.hooks(&events, TIMEOUT_S * 1_000);
                edits.insert(0, server);
                vec![file(base(".gemini/settings.json"), edits)]
            }
            Host::Vscode => self.vscode(scope),
        }
    }

    fn claude_code(&self, scope: Scope) -> Vec<HostFile> {
        let (servers, settings) = match scope {
            Scope::User => (
                self.claude_file(),
                self.claude_folder().join("settings.json"),
            ),
            Scope::Project => (
                self.project.join(".mcp.json"),
                self.project.join(".claude/settings.json"),
            ),
        };
        let events = [
            "SessionStart",
            "UserPromptSubmit",
            "PreCompact",
            "Stop",
            "SessionEnd",
        ];
        vec![
            file(servers, vec![self.json_server("mcpServers")]),
            file(settings, self.hooks(&events, TIMEOUT_S)),
        ]
    }

    fn vscode(&self, scope: Scope) -> Vec<HostFile> {
        let (servers, hooks) = match scope {
            Scope::User => (
                self.vscode.join("mcp.json"),
                self.home.join(".copilot/hooks/steadfast.json"),
            ),
            Scope::Project => (
                self.project.join(".vscode/mcp.json"),
                self.project.join(".github/hooks/steadfast.json"),
            ),
        };
        // Its hook for prompts is documented to take no context.
        let events = ["SessionStart", "PreCompact", "Stop"];
        let entry = |command| json!({"type": "command", "command": command, "timeout": TIMEOUT_S});
        vec![
            file(servers, vec![self.json_server("servers")]),
            file(hooks, self.flat_hooks(&events, entry)),
        ]
    }

    /// Returns the hooks in the shape that Claude Code, Codex and Gemini CLI share; each counts time in its own unit.
    fn hooks(&self, events: &[&'static str], timeout: u64) -> Vec<Edit> {
        events
            .iter()
            .map(|event| (*event, our_event(event)))
            .filter(|(_, ours)| self.recall || *ours != Event::Prompt)
            .map(|(event, ours)| hook_entry(event, &self.hook(ours), timeout))
            .collect()
    }

    /// Returns the hooks in the shape of Cursor and VS Code, which have no groups of them; each has its own entry.
    fn flat_hooks(&self, events: &[&'static str], entry: impl Fn(String) -> Value) -> Vec<Edit> {
        let version = Edit::JsonDefault {
            key: "version",
            value: json!(1),
        };
        let hooks = events.iter().map(|event| Edit::JsonEntry {
            path: vec!["hooks", event],
            value: entry(self.hook(our_event(event))),
        });
        std::iter::once(version).chain(hooks).collect()
    }

    fn hook(&self, event: Event) -> String {
        let words = self.program.iter().map(String::as_str);
        shell_line(words.chain(["hook", event.as_str()]))
    }

    fn server(&self) -> (String, Vec<String>) {
        let mut words = self.program.iter().cloned();
        let command = words.next().unwrap_or_else(|| NAME.to_owned());
        (command, words.chain(["mcp".to_owned()]).collect())
    }

    fn json_server(&self, container: &'static str) -> Edit {
        let (command, arguments) = self.server();
        Edit::JsonMember {
            path: vec![container],
            key: NAME,
            value: json!({"type": "stdio", "command": command, "args": arguments}),
        }
    }

    fn claude_folder(&self) -> PathBuf {
        let default = || self.home.join(".claude");
        self.claude.clone().unwrap_or_else(default)
    }

    fn claude_file(&self) -> PathBuf {
        let folder: &Path = self.claude.as_deref().unwrap_or(&self.home);
        folder.join(".claude.json")
    }

    fn codex_folder(&self) -> PathBuf {
        let default = || self.home.join(".codex");
        self.codex.clone().unwrap_or_else(default)
    }
}

fn file(path: PathBuf, edits: Vec<Edit>) -> HostFile {
    HostFile { path, edits }
}

/// Returns our event for that of a host.
fn our_event(event: &str) -> Event {
    match event {
        "SessionStart" | "sessionStart" => Event::SessionStart,
        "UserPromptSubmit" | "BeforeAgent" => Event::Prompt,
        "PreCompact" | "PreCompress" | "preCompact" => Event::PreCompact,
        "SessionEnd" | "sessionEnd" => Event::SessionEnd,
        _ => Event::Stop,
    }
}

fn hook_entry(event: &'static str, command: &str, timeout: u64) -> Edit {
    let value: Value =
        json!({"hooks": [{"type": "command", "command": command, "timeout": timeout}]});
    Edit::JsonEntry {
        path: vec!["hooks", event],
        value,
    }
}

/// Returns words as a line for the shell that hosts run hooks in.
fn shell_line<'w>(words: impl Iterator<Item = &'w str>) -> String {
    words.map(shell_word).collect::<Vec<_>>().join(" ")
}

fn shell_word(word: &str) -> String {
    let is_plain = |c: char| {
        c.is_ascii_alphanumeric() || "_-./:@%+=".contains(c) || (cfg!(windows) && c == '\\')
    };
    if !word.is_empty() && word.chars().all(is_plain) {
        word.to_owned()
    } else if cfg!(windows) {
        format!("\"{word}\"")
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn words_reach_the_shell_as_they_are() {
        let words = ["/opt/my tools/steadfast", "--store", "/it's", "hook"];
        let line = shell_line(words.into_iter());
        assert_eq!(line, "'/opt/my tools/steadfast' --store '/it'\\''s' hook");
    }
}
