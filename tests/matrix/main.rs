//! The fault matrix: sqlmig is held at every point of a load and a rollback, every kind of fault is done to it there, and
//! the same command, run again, must end as if nothing had happened. docs/proving.md says how to run it.
//!
//! `cargo test --features fault-points --test matrix` runs a sample, `SQLMIG_MATRIX=full` before it everything; arguments
//! after `--` are parts of cells' names (`kill/stage.chunk`), of which all are run, and `--list` only names them.

mod cell;
mod checks;
mod cut;
mod dump;
mod kinds;
mod page;
mod program;
mod proxy;
mod scenario;
mod server;
#[expect(dead_code, reason = "what the tests tell it to do wrong")]
#[path = "../service/server.rs"]
mod service;

use std::collections::VecDeque;
use std::process::ExitCode;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use cell::{Cell, Outcome, Point};
use cut::Cut;
use kinds::Kind;
use proxy::Side;
use scenario::{Base, Scenario};
use server::{Ground, Server};

/// Servers, each with one cell at work. Most of a cell is waiting, so there are more than most machines have cores.
const WORKERS: usize = 3;
/// Cells and cuts of the sample.
const SAMPLE_CELLS: usize = 54;
const SAMPLE_CUTS: usize = 10;

/// A piece of work.
#[derive(Debug, Clone)]
enum Job {
    Cell(Cell),
    Cut(Cut),
}

impl Job {
    fn name(&self) -> String {
        match self {
            Self::Cell(cell) => cell.name(),
            Self::Cut(cut) => cut.name(),
        }
    }
}

/// What a piece of work came to.
pub struct Done {
    job: Job,
    outcome: Outcome,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(matrix(&arguments))
}

async fn matrix(arguments: &[String]) -> ExitCode {
    let begun = Instant::now();
    let ground = Arc::new(Ground::new());
    let full = std::env::var("SQLMIG_MATRIX").is_ok_and(|mode| mode == "full");
    let filters: Vec<String> = arguments.iter().filter(|argument| !argument.starts_with('-')).cloned().collect();
    let first = Server::start(&ground, 0).await;
    let base = match Base::prepare(&first, &ground.folder.join("0")).await {
        Ok(base) => base,
        Err(what) => {
            println!("{what}");
            return ExitCode::FAILURE;
        }
    };
    let all = jobs(&base);
    let chosen = choose(&all, full, &filters);
    if arguments.iter().any(|argument| argument == "--list") {
        for job in &chosen {
            println!("{}", job.name());
        }
        return ExitCode::SUCCESS;
    }
    let (cells, cuts): (Vec<_>, Vec<_>) = chosen.iter().partition(|job| matches!(job, Job::Cell(_)));
    println!("{} cells and {} cuts of {}", cells.len(), cuts.len(), all.len());

    let count = chosen.len();
    let wanted = std::env::var("SQLMIG_MATRIX_WORKERS").ok().and_then(|text| text.parse().ok()).unwrap_or(WORKERS);
    let queue: Arc<Mutex<VecDeque<(usize, Job)>>> = Arc::new(Mutex::new(chosen.into_iter().enumerate().collect()));
    let done: Arc<Mutex<Vec<Done>>> = Arc::default();
    let small = first.small.clone();
    let mut workers = Vec::new();
    let mut ready = Some((first, base));
    for number in 0..wanted.min(count.max(1)) {
        let (ground, queue, done, ready) = (Arc::clone(&ground), Arc::clone(&queue), Arc::clone(&done), ready.take());
        workers.push(tokio::spawn(async move { work(number, ready, &ground, &queue, &done, count).await }));
    }
    let mut broken = false;
    for worker in workers {
        match worker.await {
            Ok(Ok(())) => {}
            Ok(Err(what)) => {
                println!("a worker stopped: {what}");
                broken = true;
            }
            Err(panic) => {
                println!("a worker stopped: {panic}");
                broken = true;
            }
        }
    }
    let done = std::mem::take(&mut *done.lock().unwrap());
    let failed = done.iter().filter(|done| matches!(done.outcome, Outcome::Failed(_))).count();
    let senseless = done.iter().filter(|done| matches!(done.outcome, Outcome::Senseless(_))).count();
    if let Err(why) = &small {
        println!("disk-full was skipped: no small file system ({why})");
    }
    println!(
        "{} held, {failed} failed, {senseless} without meaning, of {count}, in {} s",
        done.len() - failed - senseless,
        begun.elapsed().as_secs()
    );
    if full && !broken {
        let mut results = page::Results::load(filters.is_empty());
        results.add(&done);
        page::write(&all, &results);
    }
    if broken || failed > 0 || done.len() < count {
        if std::env::var_os("SQLMIG_MATRIX_KEEP").is_some() {
            ground.keep();
            println!("kept: {}", ground.folder.display());
        }
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

/// All that can be done.
fn jobs(base: &Base) -> Vec<Job> {
    let mut jobs = Vec::new();
    for scenario in Scenario::ALL {
        for point in base.points(scenario) {
            // Every command passes the same points at its beginning; they are held there once.
            let known = |job: &Job| matches!(job, Job::Cell(cell) if cell.point == *point);
            if scenario != Scenario::Run && jobs.iter().any(known) {
                continue;
            }
            let cell = |kind: &Kind| Job::Cell(Cell { scenario, point: point.clone(), kind: *kind });
            jobs.extend(Kind::ALL.iter().map(cell));
        }
    }
    for at in 1..=base.messages(Scenario::Small) {
        jobs.extend([Side::Before, Side::After].map(|side| Job::Cut(Cut { at, side })));
    }
    jobs
}

/// What is done this time.
fn choose(all: &[Job], full: bool, filters: &[String]) -> Vec<Job> {
    let cells = all.iter().filter(|job| matches!(job, Job::Cell(_)));
    let cuts = all.iter().filter(|job| matches!(job, Job::Cut(_)));
    if !filters.is_empty() {
        // A name in full is that cell alone.
        let in_full = |filter: &String| all.iter().any(|job| job.name() == *filter);
        let is_meant =
            |name: &str, filter: &String| if in_full(filter) { name == filter } else { name.contains(filter) };
        let named = |job: &&Job| filters.iter().any(|filter| is_meant(&job.name(), filter));
        return all.iter().filter(named).cloned().collect();
    }
    if full {
        let every: usize = std::env::var("SQLMIG_MATRIX_CUTS").ok().and_then(|text| text.parse().ok()).unwrap_or(1);
        // Cuts before and after a message take turns in the list: an odd step meets both.
        let every = every | 1;
        return cells.chain(cuts.step_by(every)).cloned().collect();
    }
    // A step that shares no factor with the number of kinds, so the sample has every kind in turn.
    let step = |count: usize, wanted: usize| {
        let step = (count / wanted).max(1);
        if step.is_multiple_of(Kind::ALL.len()) { step + 1 } else { step }
    };
    let (cell_step, cut_step) = (step(cells.clone().count(), SAMPLE_CELLS), step(cuts.clone().count(), SAMPLE_CUTS));
    cells.step_by(cell_step).chain(cuts.step_by(cut_step)).cloned().collect()
}

async fn work(
    number: usize,
    ready: Option<(Server, Base)>,
    ground: &Ground,
    queue: &Mutex<VecDeque<(usize, Job)>>,
    done: &Mutex<Vec<Done>>,
    count: usize,
) -> Result<(), String> {
    let folder = ground.folder.join(number.to_string());
    let (mut server, base) = if let Some(ready) = ready {
        ready
    } else {
        let server = Server::start(ground, number).await;
        let base = Base::prepare(&server, &folder).await?;
        (server, base)
    };
    loop {
        let next = queue.lock().unwrap().pop_front();
        let Some((index, job)) = next else { return Ok(()) };
        let begun = Instant::now();
        let outcome = match &job {
            Job::Cell(cell) if base.has(cell.scenario) => cell::run(cell, &base, &mut server, index, &folder).await,
            Job::Cell(_) => Outcome::Failed(vec!["this server's templates lack the command".into()]),
            Job::Cut(cut) => cut::run(*cut, &base, &server, index, &folder).await,
        };
        let elapsed = begun.elapsed().as_secs_f64();
        match &outcome {
            Outcome::Failed(what) => {
                println!("FAILED {} ({elapsed:.1} s)\n    {}", job.name(), what.join("\n").replace('\n', "\n    "));
            }
            outcome => println!("{index:4}/{count} {} {} ({elapsed:.1} s)", job.name(), page::word(outcome)),
        }
        done.lock().unwrap().push(Done { job, outcome });
    }
}

/// The point of a job, if it is one of the table.
fn place(job: &Job) -> Option<(&Point, Kind)> {
    match job {
        Job::Cell(cell) => Some((&cell.point, cell.kind)),
        Job::Cut(_) => None,
    }
}
