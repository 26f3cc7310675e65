//! The fenced blocks of a page, and what the comments before them say.

/// The reason of a block that `.ci/run` takes from the page, or all of which it runs with the other tests.
pub const PART_OF_THE_CHECKS: &str = "part of .ci/run";

/// Why a block is not run, and what that means: a block says one of these words, no other.
pub const REASONS: [(&str, &str); 2] = [
    (PART_OF_THE_CHECKS, "`.ci/run` reads the command from the page and runs it, or runs the tests that it names"),
    ("run by another test", "a test of its own reads the block from the page"),
];

/// What it means that a block is slow, for the list of them.
pub const SLOW: (&str, &str) = (
    "slow",
    "typed by `cargo test --test it -- --ignored documents::`, which does of what takes hours only what is said here",
);

/// Words that a command begins with: a block that is not run must not hide one.
const COMMANDS: [&str; 11] =
    ["sqlmig", "cargo", "psql", "pg_dump", "createdb", "kubectl", "docker", "podman", "curl", "export", "$"];

/// A fenced block.
#[derive(Debug)]
pub struct Block {
    /// Line of its fence, from 1.
    pub line: usize,
    pub language: Language,
    /// Where the block is put as a file, if its fence names one.
    pub file: Option<String>,
    pub text: String,
    pub how: How,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// `sh`: lines that are typed.
    Shell,
    /// `console`: lines that are typed begin with `$`, the others are what is answered.
    Console,
    /// `sql`: statements for the target; `:'run'` is the newest run.
    Sql,
    /// Anything else: to be read.
    Other,
}

/// What becomes of a block.
#[derive(Debug, PartialEq, Eq)]
pub enum How {
    Run(Run),
    /// Not run, for one of [`REASONS`].
    Not(&'static str),
    /// No commands.
    Read,
}

impl How {
    /// Whether it is run, by the test of slow blocks or by the one of all others.
    pub fn runs(&self, slow: bool) -> bool {
        matches!(self, Self::Run(run) if run.slow.is_some() == slow)
    }
}

/// How a block is run.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Run {
    /// Lines of shell that come first and are not shown.
    pub before: String,
    /// Lines of shell that come last and are not shown: what a reader puts away.
    pub after: String,
    /// The exit code that the page speaks of.
    pub code: i32,
    /// A command that goes on for ever is stopped after so many seconds, and that is as it should be.
    pub stopped_after_seconds: Option<u64>,
    /// It takes minutes, and in full maybe hours: typed by a test of its own, which does of it what this says.
    pub slow: Option<String>,
}

/// The blocks of a page in their order; or what is wrong with it.
pub fn blocks(page: &str, text: &str) -> Result<Vec<Block>, Vec<String>> {
    let (mut found, mut wrong) = (Vec::new(), Vec::new());
    let mut said: Vec<(usize, String)> = Vec::new();
    let mut lines = text.lines().enumerate().map(|(at, line)| (at + 1, line));
    while let Some((line, content)) = lines.next() {
        if let Some(comment) = content.trim_start().strip_prefix("<!--") {
            let mut comment = comment.to_owned();
            while !comment.contains("-->") {
                let Some((_, more)) = lines.next() else { break };
                comment = format!("{comment}\n{more}");
            }
            said.push((line, comment.replace("-->", "").trim().to_owned()));
        } else if let Some(fence) = content.trim_start().strip_prefix("```") {
            let indent = content.len() - content.trim_start().len();
            let body: Vec<&str> = lines
                .by_ref()
                .map(|(_, line)| line)
                .take_while(|line| line.trim() != "```")
                .map(|line| line.get(indent..).unwrap_or_default())
                .collect();
            match block(line, fence.trim(), body.join("\n"), &said) {
                Ok(block) => found.push(block),
                Err(why) => wrong.push(format!("{page}:{line}: {why}")),
            }
            said.clear();
        } else if !content.trim().is_empty() {
            let lost = said.drain(..).filter(|(_, comment)| marker(comment).is_some());
            wrong.extend(lost.map(|(line, comment)| format!("{page}:{line}: no block follows {comment:?}")));
        }
    }
    if wrong.is_empty() { Ok(found) } else { Err(wrong) }
}

/// A comment that speaks of the next block, as its word and its value.
fn marker(comment: &str) -> Option<(&str, &str)> {
    let (word, value) = comment.split_once(':')?;
    ["not run", "slow", "before", "after", "ends with", "stopped after"].contains(&word).then_some((word, value.trim()))
}

fn block(line: usize, language: &str, text: String, said: &[(usize, String)]) -> Result<Block, String> {
    let (language, file) =
        language.split_once(' ').map_or((language, None), |(name, file)| (name, Some(file.to_owned())));
    let language = match language {
        _ if file.is_some() => Language::Other,
        "" => return Err("a block says what it is: ```sh, ```sql, ```text …".to_owned()),
        "sh" => Language::Shell,
        "console" => Language::Console,
        // A transform: minijinja, and a matter of the project's own tests.
        "sql" if text.starts_with("--!") || text.contains("{{") => Language::Other,
        "sql" => Language::Sql,
        "bash" | "shell" => return Err("commands stand in ```sh".to_owned()),
        _ => Language::Other,
    };
    let mut run = Run::default();
    let mut not = None;
    for (word, value) in said.iter().filter_map(|(_, comment)| marker(comment)) {
        match word {
            "not run" => {
                let reason = REASONS.iter().find(|(reason, _)| *reason == value);
                not = Some(reason.ok_or_else(|| format!("{value:?} is no reason; these are: {REASONS:?}"))?.0);
            }
            "slow" if value.is_empty() => return Err("slow: says what of it is done".to_owned()),
            "slow" => run.slow = Some(value.to_owned()),
            "before" => value.clone_into(&mut run.before),
            "after" => value.clone_into(&mut run.after),
            "ends with" => run.code = value.parse().map_err(|_| format!("{value:?} is no exit code"))?,
            _ => {
                let seconds = value.strip_suffix(" s").and_then(|number| number.parse().ok());
                run.stopped_after_seconds = Some(seconds.ok_or_else(|| format!("{value:?} is no time, as 3 s"))?);
            }
        }
    }
    let how = match (language, not) {
        (Language::Other, None) if file.is_some() => How::Read,
        (Language::Other, None) => {
            let hidden = text.lines().find(|line| COMMANDS.contains(&line.split(' ').next().unwrap_or_default()));
            if let Some(hidden) = hidden {
                return Err(format!("a command, in a block that is not called sh: {hidden}"));
            }
            How::Read
        }
        (_, Some(reason)) => How::Not(reason),
        (_, None) => How::Run(run),
    };
    Ok(Block { line, language, file, text, how })
}

#[test]
fn a_block_is_run_unless_it_says_why_not() {
    let page = "<!-- before: true\nfalse -->\n<!-- after: echo -->\n<!-- ends with: 3 -->\n\n```sh\nsqlmig run x\n```\n\
                <!-- not run: run by another test -->\n```sh\nkubectl get pods\n```\n```text\na picture\n```\n\
                <!-- slow: an hour of it -->\n```sh\nsleep 9d\n```\n";
    let found = blocks("page", page).unwrap();
    let run = Run { before: "true\nfalse".into(), after: "echo".into(), code: 3, ..Run::default() };
    assert_eq!((found[0].line, &found[0].how, found[0].text.as_str()), (6, &How::Run(run), "sqlmig run x"));
    assert_eq!((&found[1].how, &found[2].how), (&How::Not("run by another test"), &How::Read));
    assert_eq!(
        [0, 1, 2, 3].map(|at| (found[at].how.runs(false), found[at].how.runs(true)))[2..],
        [(false, false), (false, true)]
    );
}

#[test]
fn what_would_slip_by_is_refused() {
    for page in [
        "```\nsqlmig run x\n```\n",
        "```text\nsqlmig run x\n```\n",
        "<!-- not run: I had no time -->\n```sh\nsqlmig run x\n```\n",
        "<!-- slow: -->\n```sh\nsqlmig run x\n```\n",
        "<!-- not run: part of .ci/run -->\nA paragraph.\n```sh\nsqlmig run x\n```\n",
        "```bash\nsqlmig run x\n```\n",
    ] {
        assert!(blocks("page", page).is_err(), "{page}");
    }
}
