//! The fault matrix: sqlmig is held at every point of a load and a rollback, every kind of fault is done to it there, and
//! the same command, run again, must end as if nothing had happened. docs/proving.md says how to run it.
//!
//! `cargo test --features fault-points --test matrix` runs a sample, `SQLMIG_MATRIX=full` before it everything; arguments
//! after `--` are parts of cells' names (`kill/stage.chunk`), of which all are run, `--list` only names them, and `--continue`
//! leaves out what has held in an earlier run of this build.

mod act;
mod base;
mod cell;
mod checks;
mod cut;
mod dump;
mod kinds;
mod page;
mod paid;
mod program;
mod proxy;
mod scenario;
mod server;
#[expect(dead_code, reason = "what the tests tell it to do wrong")]
#[path = "../service/server.rs"]
mod service;

use std::collections::{HashSet, VecDeque};
use std::process::ExitCode;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use base::Base;
use cell::{Cell, Outcome};
use cut::{Cut, Resumed};
use kinds::Kind;
use page::Results;
use proxy::Side;
use scenario::Scenario;
use server::{Ground, Server};

/// Servers, each with one cell at work. Most of a cell is waiting, so there are more than most machines have cores.
const WORKERS: usize = 3;
/// Cuts at work at once on one server, which no cut harms.
const LANES: usize = 4;
/// After so many jobs it is told how many there are to come, and how long they will take.
const TELL_EVERY: usize = 100;
/// Cells and cuts of the sample.
const SAMPLE_CELLS: usize = 54;
const SAMPLE_CUTS: usize = 10;
/// The variable that has only so many of the cells and cuts that are asked for done, without a page.
const TRY: &str = "SQLMIG_TRY";
const TRIED: usize = 6;

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

/// What all workers share.
struct Work {
    ground: Ground,
    queue: Mutex<VecDeque<(usize, Job)>>,
    count: usize,
    begun: Instant,
    done: Mutex<Vec<Done>>,
    /// Kept where a page is made of them, or the rest of them.
    results: Mutex<Option<Results>>,
    resumed: Resumed,
    cuts_only: bool,
}

impl Work {
    fn next(&self) -> Option<(usize, Job)> {
        self.queue.lock().unwrap().pop_front()
    }

    /// Tells and keeps what a job has come to.
    fn note(&self, index: usize, job: Job, outcome: Outcome, elapsed: f64) {
        match &outcome {
            Outcome::Failed(what) => {
                println!("FAILED {} ({elapsed:.1} s)\n    {}", job.name(), what.join("\n").replace('\n', "\n    "));
            }
            outcome => println!("{index:4}/{} {} {} ({elapsed:.1} s)", self.count, job.name(), page::word(outcome)),
        }
        let done = Done { job, outcome };
        if let Some(results) = self.results.lock().unwrap().as_mut() {
            results.add(&done);
        }
        let mut all = self.done.lock().unwrap();
        all.push(done);
        if all.len().is_multiple_of(TELL_EVERY) {
            let (seconds, left) = (self.begun.elapsed().as_secs(), self.count - all.len());
            let to_go = seconds * u64::try_from(left).unwrap() / u64::try_from(all.len()).unwrap();
            println!("{} of {} in {seconds} s; {to_go} s to go", all.len(), self.count);
        }
    }
}

async fn matrix(arguments: &[String]) -> ExitCode {
    let begun = Instant::now();
    let ground = Ground::new();
    let full = std::env::var("SQLMIG_MATRIX").is_ok_and(|mode| mode == "full");
    let has = |option: &str| arguments.iter().any(|argument| argument == option);
    let filters: Vec<String> = arguments.iter().filter(|argument| !argument.starts_with('-')).cloned().collect();
    let cuts_only = !filters.is_empty() && filters.iter().all(|filter| filter.starts_with("cut/"));
    let first = Server::start(&ground, 0).await;
    // The page names every cell, whatever is run.
    let base = match Base::prepare(&first, &ground.folder.join("0"), cuts_only && !full).await {
        Ok(base) => base,
        Err(what) => {
            println!("{what}");
            return ExitCode::FAILURE;
        }
    };
    let all = jobs(&base);
    let mut chosen = choose(&all, full, &filters);
    let go_on = has("--continue");
    let trying = std::env::var_os(TRY).is_some();
    let results = if (full || go_on) && !trying {
        match Results::load(full && filters.is_empty() && !go_on && !has("--list")) {
            Ok(results) => Some(results),
            Err(what) => {
                println!("{what}");
                return ExitCode::FAILURE;
            }
        }
    } else {
        None
    };
    if let Some(results) = results.as_ref().filter(|_| go_on) {
        chosen.retain(|job| !results.has_held(&job.name()));
    }
    if trying {
        chosen = chosen.iter().step_by(chosen.len().div_ceil(TRIED).max(1)).cloned().collect();
    }
    if has("--list") {
        for job in &chosen {
            println!("{}", job.name());
        }
        return ExitCode::SUCCESS;
    }
    let (cells, cuts): (Vec<_>, Vec<_>) = chosen.iter().partition(|job| matches!(job, Job::Cell(_)));
    println!("{} cells and {} cuts of {}", cells.len(), cuts.len(), all.len());

    let small = first.small.clone();
    let count = chosen.len();
    let work = Arc::new(Work {
        ground,
        queue: Mutex::new(chosen.into_iter().enumerate().collect()),
        count,
        begun,
        done: Mutex::default(),
        results: Mutex::new(results),
        resumed: Resumed::default(),
        cuts_only,
    });
    let broken = all_workers(&work, (first, base)).await;
    let done = std::mem::take(&mut *work.done.lock().unwrap());
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
    if work.resumed.count() > 0 {
        println!("cuts left {} states to resume from", work.resumed.count());
    }
    if let Some(results) = work.results.lock().unwrap().as_ref().filter(|_| full && !broken) {
        page::write(&all, results);
    }
    if broken || failed > 0 || done.len() < count {
        if std::env::var_os("SQLMIG_MATRIX_KEEP").is_some() {
            work.ground.keep();
            println!("kept: {}", work.ground.folder.display());
        }
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

/// Does the work; says whether a worker stopped before its end.
async fn all_workers(work: &Arc<Work>, ready: (Server, Base)) -> bool {
    let wanted = std::env::var("SQLMIG_MATRIX_WORKERS").ok().and_then(|text| text.parse().ok()).unwrap_or(WORKERS);
    let mut ready = Some(ready);
    let workers: Vec<_> = (0..wanted.min(work.count.max(1)))
        .map(|number| tokio::spawn(worker(number, ready.take(), Arc::clone(work))))
        .collect();
    let mut broken = false;
    for worker in workers {
        let what = match worker.await {
            Ok(Ok(())) => continue,
            Ok(Err(what)) => what,
            Err(panic) => panic.to_string(),
        };
        println!("a worker stopped: {what}");
        broken = true;
    }
    broken
}

/// All that can be done.
fn jobs(base: &Base) -> Vec<Job> {
    let mut jobs = Vec::new();
    for scenario in Scenario::ALL {
        for point in base.points(scenario) {
            let cell = |kind: &Kind| Job::Cell(Cell { scenario, point: point.clone(), kind: *kind });
            // Every command passes the same points at its beginning; they are held there once.
            let row = |job: &Job| place(job).map(|(row, _)| row);
            let wanted = row(&cell(&Kind::Kill));
            if scenario != Scenario::Run && jobs.iter().any(|job| row(job) == wanted) {
                continue;
            }
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
    let every: usize = std::env::var("SQLMIG_MATRIX_CUTS").ok().and_then(|text| text.parse().ok()).unwrap_or(1);
    // Cuts before and after a message take turns in the list: an odd step meets both.
    let every = every | 1;
    if !filters.is_empty() {
        // A name in full is that cell alone.
        let names: HashSet<String> = all.iter().map(Job::name).collect();
        let is_meant = |job: &&Job| {
            let name = job.name();
            filters.iter().any(|filter| if names.contains(filter) { name == *filter } else { name.contains(filter) })
        };
        return cells.filter(is_meant).chain(cuts.filter(is_meant).step_by(every)).cloned().collect();
    }
    if full {
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

/// Works on a server of its own: at cells one after another, for they crash it, then at several cuts at once.
async fn worker(number: usize, ready: Option<(Server, Base)>, work: Arc<Work>) -> Result<(), String> {
    let folder = work.ground.folder.join(number.to_string());
    let (mut server, base) = if let Some(ready) = ready {
        ready
    } else {
        let server = Server::start(&work.ground, number).await;
        let base = Base::prepare(&server, &folder, work.cuts_only).await?;
        (server, base)
    };
    let first_cut = loop {
        let Some((index, job)) = work.next() else { return Ok(()) };
        let begun = Instant::now();
        let outcome = match &job {
            Job::Cell(cell) if base.has(cell.scenario) => cell::run(cell, &base, &mut server, index, &folder).await,
            Job::Cell(_) => Outcome::Failed(vec!["this server's templates lack the command".into()]),
            Job::Cut(_) => break (index, job),
        };
        work.note(index, job, outcome, begun.elapsed().as_secs_f64());
    };
    let (server, base, folder) = (Arc::new(server), Arc::new(base), Arc::new(folder));
    let mut lanes = tokio::task::JoinSet::new();
    let mut next = Some(first_cut);
    for _ in 0..LANES {
        let (server, base, folder) = (Arc::clone(&server), Arc::clone(&base), Arc::clone(&folder));
        let (work, mut next) = (Arc::clone(&work), next.take());
        lanes.spawn(async move {
            while let Some((index, job)) = next.take().or_else(|| work.next()) {
                // Cells stand before cuts in the queue.
                let Job::Cut(cut) = job else { continue };
                let begun = Instant::now();
                let outcome = cut::run(cut, &base, &server, &work.resumed, index, &folder).await;
                work.note(index, job, outcome, begun.elapsed().as_secs_f64());
            }
        });
    }
    while let Some(lane) = lanes.join_next().await {
        lane.map_err(|panic| panic.to_string())?;
    }
    Ok(())
}

/// The row and the column of a job, if it is one of the table.
fn place(job: &Job) -> Option<(String, Kind)> {
    match job {
        Job::Cell(cell) => Some((cell.row(), cell.kind)),
        Job::Cut(_) => None,
    }
}
