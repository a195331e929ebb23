//! A server with nothing installed, whose prompts are another client's: it tells observers the queue's length, and its log
//! to who subscribed.

use std::collections::BTreeMap;

use comfyglow_core::state::PromptState;
use serde_json::{Value, json};

use super::{MILLI, Micros, Server, Told};
use crate::{
    ServerMessage,
    observer_log::logs,
    strategies::messages::{dumps, status},
};

/// A sampler's bar.
#[derive(Clone, Copy, Debug)]
pub struct Bar {
    /// Its steps, at least 1.
    pub steps: u32,
    /// How long each takes.
    pub each: Micros,
}

/// A prompt that is submitted.
#[derive(Clone, Debug)]
pub struct Job {
    /// When.
    pub at: Micros,
    /// How long it takes before its first bar, and behind its last one.
    pub around: [Micros; 2],
    /// The bars of its samplers, one after the other.
    pub bars: Vec<Bar>,
    /// How it ends: an error or interruption amid its last bar, where it has any.
    pub end: PromptState,
}

impl Job {
    /// One that takes so long, and has no bars.
    pub const fn plain(at: Micros, takes: Micros) -> Self {
        Self { at, around: [takes, 0], bars: Vec::new(), end: PromptState::Success }
    }

    fn id(number: usize) -> String {
        format!("00000000-0000-4000-8000-{number:012}")
    }
}

/// What a server does and has.
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    /// It has `/api/jobs`.
    pub jobs: bool,
    /// It has the route to subscribe to the log.
    pub log: bool,
    /// It logs what is for information: started with `--verbose WARNING` it doesn't, but bars and errors are told.
    pub info: bool,
}

/// A server of today.
pub const TODAY: Kind = Kind { jobs: true, log: true, info: true };

/// What happens.
#[derive(Clone, Debug)]
enum Deed {
    Submit,
    Begin(usize),
    Log(String),
    Info(String),
    /// The bar of a prompt stands there.
    Bar(usize, [u32; 2]),
    End,
}

/// A server with nothing installed.
#[derive(Debug)]
pub struct Stock {
    /// The prompts, in the order of their submission, which is that of their ends.
    pub jobs: Vec<Job>,
    /// The prompt that runs, and its bar.
    pub running: Option<(usize, Option<[u32; 2]>)>,
    kind: Kind,
    script: BTreeMap<(Micros, usize), Deed>,
    submitted: usize,
    ended: usize,
    connected: bool,
    subscribed: bool,
}

/// How long the worker takes from one prompt to the next, and until the log tells what it wrote.
const BETWEEN: Micros = 3 * MILLI;
const FLUSH: Micros = MILLI;

impl Stock {
    /// A server to which these will be submitted.
    pub fn new(kind: Kind, mut jobs: Vec<Job>) -> Self {
        jobs.sort_by_key(|job| job.at);
        let mut script = BTreeMap::new();
        let mut order = 0;
        let mut at = |time: Micros, deed: Deed| {
            order += 1;
            script.insert((time, order), deed);
        };
        let mut free = 0;
        for (number, job) in jobs.iter().enumerate() {
            at(job.at, Deed::Submit);
            at(job.at, Deed::Info("got prompt\n".to_owned()));
            let mut now = free.max(job.at) + BETWEEN;
            let began = now;
            at(now, Deed::Begin(number));
            now += job.around[0];
            for (n, bar) in job.bars.iter().enumerate() {
                let is_cut = job.end != PromptState::Success && n + 1 == job.bars.len();
                let reached = if is_cut { bar.steps / 2 } else { bar.steps };
                for value in 0..=reached {
                    if value > 0 {
                        now += bar.each;
                    }
                    at(now, Deed::Bar(number, [value, bar.steps]));
                }
                at(now, Deed::Log("\n".to_owned()));
            }
            match job.end {
                PromptState::Error => {
                    at(
                        now,
                        Deed::Log(format!("\x1b[31m[ERROR]\x1b[0m !!! Exception during processing !!! no {number}\n")),
                    );
                    let frames =
                        "Traceback (most recent call last):\n  File \"execution.py\", line 1, in execute\n    a()\n";
                    at(now, Deed::Log(format!("\x1b[31m[ERROR]\x1b[0m {frames}module.Error: no {number}\n\n")));
                }
                PromptState::Interrupted => at(now, Deed::Info("Processing interrupted\n".to_owned())),
                _ => now += job.around[1],
            }
            at(now, Deed::End);
            let took = (now - began) / 10_000;
            let line = format!("\x1b[32mPrompt executed in {}.{:02} seconds\x1b[0m\n", took / 100, took % 100);
            at(now + FLUSH, Deed::Info(line));
            free = now + FLUSH;
        }
        Self { jobs, running: None, kind, script, submitted: 0, ended: 0, connected: false, subscribed: false }
    }

    /// When all is over.
    pub fn over(&self) -> Micros {
        self.script.last_key_value().map_or(0, |((at, _), _)| *at)
    }

    /// How all of them end.
    pub fn truth(&self) -> Vec<Told> {
        self.jobs.iter().enumerate().map(|(n, job)| Told { id: Job::id(n), state: job.end }).collect()
    }

    fn remaining(&self) -> usize {
        self.submitted - self.ended
    }

    fn status(&self) -> ServerMessage {
        dumps(&status(u32::try_from(self.remaining()).expect("few")))
    }

    fn graph(number: usize) -> Value {
        json!([number, Job::id(number), {
            "1": {"class_type": "CheckpointLoaderSimple", "inputs": {}},
            "2": {"class_type": "KSampler", "inputs": {"model": ["1", 0]}},
            "3": {"class_type": "KSampler", "inputs": {"model": ["1", 0]}},
            "4": {"class_type": "VAEDecode", "inputs": {}},
            "5": {"class_type": "SaveImage", "inputs": {}},
        }, {"client_id": "browser"}, ["5"]])
    }

    fn entry(&self, number: usize) -> Value {
        let (status, kind) = match self.jobs[number].end {
            PromptState::Error => ("error", "execution_error"),
            PromptState::Interrupted => ("error", "execution_interrupted"),
            _ => ("success", "execution_success"),
        };
        let data = json!({"prompt_id": Job::id(number), "node_id": "2", "node_type": "KSampler",
            "exception_message": format!("no {number}"), "exception_type": "module.Error"});
        json!({"prompt": Self::graph(number), "outputs": {}, "status":
            {"status_str": status, "completed": kind == "execution_success", "messages": [[kind, data]]}})
    }

    fn ended_job(&self, number: usize) -> Value {
        let status = match self.jobs[number].end {
            PromptState::Error => "failed",
            PromptState::Interrupted => "cancelled",
            _ => "completed",
        };
        json!({"id": Job::id(number), "status": status, "priority": number, "create_time": number})
    }

    fn log(&self, text: &str) -> Vec<ServerMessage> {
        if self.subscribed { vec![logs([text])] } else { Vec::new() }
    }

    fn happens(&mut self, deed: Deed) -> Vec<ServerMessage> {
        match deed {
            Deed::Submit => self.submitted += 1,
            Deed::Begin(number) => self.running = Some((number, None)),
            Deed::End => {
                self.running = None;
                self.ended += 1;
            }
            Deed::Info(_) if !self.kind.info => return Vec::new(),
            Deed::Info(text) => return self.log(&format!("\x1b[32m[INFO]\x1b[0m {text}")),
            Deed::Log(text) => return self.log(&text),
            Deed::Bar(number, [value, max]) => {
                self.running = Some((number, Some([value, max])));
                let percent = value * 100 / max;
                return self
                    .log(&format!("\r{percent:3}%|\u{2588}\u{258b}   | {value}/{max} [00:00<00:01,  1.41it/s]"));
            }
        }
        vec![self.status()]
    }
}

impl Server for Stock {
    fn connect(&mut self, _client_id: &str) -> Vec<ServerMessage> {
        self.connected = true;
        vec![self.status()]
    }

    fn answer(&mut self, _now: Micros, method: &str, target: &str, _body: &str) -> (u16, String) {
        let missing = (404, String::new());
        let answer = match (method, target) {
            ("GET", "/comfyglow") => return missing,
            ("PATCH", "/internal/logs/subscribe") => {
                self.subscribed = self.kind.log;
                return if self.kind.log { (200, String::new()) } else { missing };
            }
            ("GET", "/prompt") => json!({"exec_info": {"queue_remaining": self.remaining()}}),
            ("GET", "/queue") => {
                let running: Vec<Value> = self.running.iter().map(|(number, _)| Self::graph(*number)).collect();
                let begun = self.ended + running.len();
                let pending: Vec<Value> = (begun..self.submitted).map(Self::graph).collect();
                json!({"queue_running": running, "queue_pending": pending})
            }
            ("GET", "/api/jobs?status=in_progress&limit=1") if self.kind.jobs => {
                let job = |(number, _): &(usize, _)| json!({"id": Job::id(*number), "status": "in_progress"});
                json!({"jobs": self.running.iter().map(job).collect::<Vec<_>>(), "pagination": {}})
            }
            ("GET", target) => {
                if let Some(id) = target.strip_prefix("/history/") {
                    let found = (0..self.ended).find(|number| Job::id(*number) == id);
                    return (
                        200,
                        found.map_or_else(|| json!({}), |number| json!({id: self.entry(number)})).to_string(),
                    );
                }
                if let Some(most) = target.strip_prefix("/history?max_items=") {
                    let most: usize = most.parse().expect("a number");
                    let last = self.ended.saturating_sub(most)..self.ended;
                    let entries: Vec<_> = last.map(|number| (Job::id(number), self.entry(number))).collect();
                    return (200, Value::Object(entries.into_iter().collect()).to_string());
                }
                if !self.kind.jobs {
                    return missing;
                }
                let offset = target.strip_prefix("/api/jobs?status=completed,failed,cancelled&limit=1&offset=");
                let offset: usize = offset.and_then(|offset| offset.parse().ok()).expect("an offset is asked for");
                let job = (0..self.ended).rev().nth(offset).map(|number| self.ended_job(number));
                json!({"jobs": job.into_iter().collect::<Vec<_>>(), "pagination": {}})
            }
            asked => panic!("{asked:?} is asked"),
        };
        (200, answer.to_string())
    }

    fn next(&self) -> Option<Micros> {
        self.script.first_key_value().map(|((at, _), _)| *at)
    }

    fn pass(&mut self, _now: Micros) -> Vec<ServerMessage> {
        let (_, deed) = self.script.pop_first().expect("it is asked for when there is one");
        let said = self.happens(deed);
        if self.connected { said } else { Vec::new() }
    }
}
