//! Which foreign stores are known, and what is done where they differ from ours.

use std::fmt;
use std::str::FromStr;

/// What sort of foreign store or log it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum ImportKind {
    /// A MemPalace palace: Chroma with wings and rooms.
    MemPalace,
    /// A Chroma database of any other program.
    Chroma,
    /// A memtomem database.
    Memtomem,
    /// An OpenHuman memory tree.
    OpenHuman,
    /// Logs of Claude Code.
    ClaudeCode,
    /// Logs of Codex.
    Codex,
    /// An export of ChatGPT.
    ChatGpt,
    /// An export of Claude.ai.
    ClaudeAi,
    /// Sessions of Gemini CLI.
    Gemini,
    /// Chats of Cursor.
    Cursor,
    /// Transcripts of Cursor's agent.
    CursorAgent,
    /// Transcripts of GitHub Copilot, in VS Code and on the command line.
    Copilot,
    /// An export of a Slack workspace.
    Slack,
    /// A vault of Obsidian.
    Obsidian,
    /// An export of Notion.
    Notion,
    /// A database of basic-memory.
    BasicMemory,
    /// A database of claude-mem.
    ClaudeMem,
    /// A local store of mem0.
    Mem0,
    /// A database of mcp-memory-service.
    McpMemoryService,
    /// A plain text in which questions stand behind `>`.
    Transcript,
    /// A bundle, list or folder that `export` wrote.
    Bundle,
}

impl ImportKind {
    /// All kinds.
    pub const ALL: [Self; 21] = [
        Self::MemPalace,
        Self::Chroma,
        Self::Memtomem,
        Self::OpenHuman,
        Self::ClaudeCode,
        Self::Codex,
        Self::ChatGpt,
        Self::ClaudeAi,
        Self::Gemini,
        Self::Cursor,
        Self::CursorAgent,
        Self::Copilot,
        Self::Slack,
        Self::Obsidian,
        Self::Notion,
        Self::BasicMemory,
        Self::ClaudeMem,
        Self::Mem0,
        Self::McpMemoryService,
        Self::Transcript,
        Self::Bundle,
    ];

    /// Returns the name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::MemPalace => "mempalace",
            Self::Chroma => "chroma",
            Self::Memtomem => "memtomem",
            Self::OpenHuman => "openhuman",
            Self::ClaudeCode => "claude-code",
            Self::Codex => "codex",
            Self::ChatGpt => "chatgpt",
            Self::ClaudeAi => "claude-ai",
            Self::Gemini => "gemini",
            Self::Cursor => "cursor",
            Self::CursorAgent => "cursor-agent",
            Self::Copilot => "copilot",
            Self::Slack => "slack",
            Self::Obsidian => "obsidian",
            Self::Notion => "notion",
            Self::BasicMemory => "basic-memory",
            Self::ClaudeMem => "claude-mem",
            Self::Mem0 => "mem0",
            Self::McpMemoryService => "mcp-memory-service",
            Self::Transcript => "transcript",
            Self::Bundle => "bundle",
        }
    }
}

impl fmt::Display for ImportKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A name that is no kind of foreign store.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{name}` is not a kind of store that can be imported; known: {known}")]
pub struct UnknownImportKind {
    /// What was asked for.
    pub name: String,
    /// The kinds there are.
    pub known: String,
}

impl FromStr for ImportKind {
    type Err = UnknownImportKind;

    fn from_str(name: &str) -> Result<Self, UnknownImportKind> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str() == name)
            .ok_or_else(|| UnknownImportKind {
                name: name.to_owned(),
                known: Self::ALL.map(Self::as_str).join(", "),
            })
    }
}

/// What is done with a row whose id is in the store with another text.
///
/// A row whose text is in the store is reused whatever is chosen: one text of
/// one row is never there twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum OnConflict {
    /// Keep what is in the store, and refuse the row.
    #[default]
    Skip,
    /// Take the row in its place; what was there becomes history.
    Update,
    /// Keep both.
    Duplicate,
}
