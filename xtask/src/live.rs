//! What a person sees while a run goes on: a live view on a terminal, plain lines elsewhere.
//!
//! Writes to standard error only. Must not decide anything.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::report;
use crate::run::Record;
use crate::verdict::Outcome;

/// The view of a run.
#[derive(Debug)]
pub struct Live {
    bars: Option<MultiProgress>,
    total: ProgressBar,
    running: Mutex<BTreeMap<String, ProgressBar>>,
    colour: bool,
}

impl Live {
    /// A view of a run of so many jobs.
    pub fn new(jobs: usize) -> Live {
        let terminal = std::io::stderr().is_terminal() && std::env::var("TERM").as_deref() != Ok("dumb");
        let colour = report::colour_wanted(terminal);
        let total = ProgressBar::new(jobs as u64);
        let bars = terminal.then(|| MultiProgress::with_draw_target(ProgressDrawTarget::stderr_with_hz(8)));
        if let Some(bars) = &bars {
            let style = ProgressStyle::with_template("{elapsed:>5} [{bar:30}] {pos} of {len} jobs")
                .unwrap_or_else(|_| ProgressStyle::default_bar());
            total.set_style(style.progress_chars("=> "));
            bars.add(total.clone());
            total.enable_steady_tick(Duration::from_millis(250));
        }
        Live { bars, total, running: Mutex::default(), colour }
    }

    /// One line of news.
    pub fn say(&self, text: &str) {
        match &self.bars {
            // A terminal that went away is no reason to stop.
            Some(bars) => drop(bars.println(text)),
            None => eprintln!("{text}"),
        }
    }

    /// Something began.
    pub fn started(&self, label: &str) {
        let Some(bars) = &self.bars else { return };
        let style = ProgressStyle::with_template("{elapsed:>5} {spinner} {msg}")
            .unwrap_or_else(|_| ProgressStyle::default_spinner());
        let bar = bars
            .insert_before(&self.total, ProgressBar::new_spinner().with_style(style).with_message(label.to_owned()));
        bar.enable_steady_tick(Duration::from_millis(250));
        self.running.lock().unwrap_or_else(PoisonError::into_inner).insert(label.to_owned(), bar);
    }

    /// Something ended.
    pub fn ended(&self, label: &str) {
        if let Some(bar) = self.running.lock().unwrap_or_else(PoisonError::into_inner).remove(label) {
            bar.finish_and_clear();
        }
    }

    /// A job has its verdict.
    pub fn finished(&self, record: &Record) {
        self.total.inc(1);
        let outcome = record.verdict.outcome();
        let mut line = format!(
            "{:>5}  {} {}  {:.1} s",
            report::paint(outcome.word(), outcome, self.colour),
            record.stage.name,
            record.project,
            record.elapsed.as_secs_f64()
        );
        if outcome != Outcome::Pass
            && let Some(case) = record.verdict.cases.iter().find(|case| case.is_red() || outcome == Outcome::Skip)
        {
            // One line each; the whole message stands in the summary.
            let short: String = case.message.chars().take(100).collect();
            line +=
                &format!("  {}{}", report::plain(&short), if short.len() < case.message.len() { " ..." } else { "" });
        }
        self.say(&line);
    }

    /// Takes the live part away.
    pub fn close(&self) {
        self.total.finish_and_clear();
    }
}
