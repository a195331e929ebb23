//! Writes to a terminal, pipe or file on a thread of its own: a reader of the server must not wait for a pager that has
//! stopped or a slow disk.

use std::{
    collections::VecDeque,
    io::{self, Write},
    mem,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
};

use tokio::sync::Notify;

/// Lines that may wait; past them a new line takes the place of the last one, where that may be passed over.
const WAITING: usize = 1_024;

/// Lines that may wait in all; past them the oldest one is lost, and counted: whoever reads has stopped.
const MOST_WAITING: usize = 4 * WAITING;

/// What writes, line by line and frame by frame.
pub trait Draw: Send {
    /// Writes whole lines, and draws `frame` behind them where there is one; `None` draws nothing new.
    ///
    /// # Errors
    ///
    /// The writer's own.
    fn draw(&mut self, lines: &[String], frame: Option<Vec<String>>) -> io::Result<()>;

    /// Leaves things as they should be left.
    ///
    /// # Errors
    ///
    /// The writer's own.
    fn end(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Lines to any writer, flushed when there are no more at hand.
#[derive(Debug)]
pub struct Lines<W>(pub W);

impl<W: Write + Send> Draw for Lines<W> {
    fn draw(&mut self, lines: &[String], _frame: Option<Vec<String>>) -> io::Result<()> {
        let mut text = String::with_capacity(lines.iter().map(|line| line.len() + 1).sum());
        for line in lines {
            text.push_str(line);
            text.push('\n');
        }
        self.0.write_all(text.as_bytes())?;
        self.0.flush()
    }
}

/// A thread that writes. It ends once what is left is written after [`end`](Self::end) or a drop; nobody is held up by it.
pub struct Sink(Arc<Shared>);

#[derive(Default)]
struct Shared {
    waiting: Mutex<Waiting>,
    more: Condvar,
    failed: Notify,
    ended: Notify,
}

#[derive(Default)]
struct Waiting {
    /// Lines, and whether each may be passed over.
    lines: VecDeque<(String, bool)>,
    frame: Option<Vec<String>>,
    /// Lines that were lost.
    lost: u64,
    over: bool,
    error: Option<io::Error>,
    /// The writer failed: nothing is taken any more.
    dead: bool,
    /// The thread has ended.
    ended: bool,
}

impl Shared {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        // A panic of the other thread leaves nothing half done in here.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sink {
    /// Starts the thread, which writes to `draw`.
    pub fn spawn(mut draw: impl Draw + 'static) -> Self {
        let shared = Arc::new(Shared::default());
        let of_thread = shared.clone();
        thread::spawn(move || {
            let result = work(&of_thread, &mut draw);
            let mut waiting = of_thread.waiting();
            if let Err(error) = result {
                waiting.error = Some(error);
                waiting.dead = true;
                of_thread.failed.notify_one();
            }
            waiting.ended = true;
            of_thread.ended.notify_one();
        });
        Self(shared)
    }

    /// Writes a line. One that `may_pass` is passed over by the next line where the writer can't keep up.
    pub fn line(&self, line: String, may_pass: bool) {
        let mut waiting = self.0.waiting();
        if waiting.dead {
            return;
        }
        if waiting.lines.len() >= WAITING && waiting.lines.back().is_some_and(|(_, may_pass)| *may_pass) {
            waiting.lines.pop_back();
        }
        if waiting.lines.len() >= MOST_WAITING {
            waiting.lines.pop_front();
            waiting.lost += 1;
        }
        waiting.lines.push_back((line, may_pass));
        self.0.more.notify_one();
    }

    /// How many lines were lost since whoever reads had stopped.
    pub fn lost(&self) -> u64 {
        self.0.waiting().lost
    }

    /// Draws a frame in place of the one before.
    pub fn frame(&self, frame: Vec<String>) {
        self.0.waiting().frame = Some(frame);
        self.0.more.notify_one();
    }

    /// Waits until writing fails, for good.
    pub async fn failed(&self) -> io::Error {
        loop {
            if let Some(error) = self.0.waiting().error.take() {
                return error;
            }
            self.0.failed.notified().await;
        }
    }

    /// Waits until what is left is written. Whoever reads it may have stopped: be ready to wait no longer.
    ///
    /// # Errors
    ///
    /// What made writing fail, unless [`failed`](Self::failed) told it.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost when the future is dropped; the thread goes on.
    pub async fn end(&self) -> io::Result<()> {
        self.close();
        loop {
            let ended = self.0.ended.notified();
            {
                let mut waiting = self.0.waiting();
                if waiting.ended {
                    return waiting.error.take().map_or(Ok(()), Err);
                }
            }
            ended.await;
        }
    }

    fn close(&self) {
        self.0.waiting().over = true;
        self.0.more.notify_one();
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.close();
    }
}

fn work(shared: &Shared, draw: &mut impl Draw) -> io::Result<()> {
    loop {
        let mut waiting = shared.waiting();
        while waiting.lines.is_empty() && waiting.frame.is_none() {
            if waiting.over {
                drop(waiting);
                return draw.end();
            }
            waiting = shared.more.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
        let lines = mem::take(&mut waiting.lines);
        let frame = waiting.frame.take();
        drop(waiting);
        let lines: Vec<String> = lines.into_iter().map(|(line, _)| line).collect();
        draw.draw(&lines, frame)?;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    /// Hands on what it is given, once it is allowed to.
    struct Gate {
        allowed: mpsc::Receiver<()>,
        drawn: mpsc::Sender<(Vec<String>, Option<Vec<String>>)>,
    }

    impl Draw for Gate {
        fn draw(&mut self, lines: &[String], frame: Option<Vec<String>>) -> io::Result<()> {
            self.drawn.send((lines.to_vec(), frame)).map_err(io::Error::other)?;
            self.allowed.recv().map_err(|_| io::ErrorKind::BrokenPipe.into())
        }
    }

    #[tokio::test]
    async fn a_writer_that_stops_holds_up_nobody_and_misses_only_what_may_pass() {
        let ((allow, allowed), (drew, drawn)) = (mpsc::channel(), mpsc::channel());
        let sink = Sink::spawn(Gate { allowed, drawn: drew });
        sink.line("first".to_owned(), false);
        assert_eq!(drawn.recv(), Ok((vec!["first".to_owned()], None)));
        for n in 0..3 * WAITING {
            sink.line(n.to_string(), true);
            sink.frame(vec![n.to_string()]);
        }
        sink.line("end".to_owned(), false);
        for _ in 0..2 {
            assert_eq!(allow.send(()), Ok(()));
        }
        let (lines, frame) = drawn.recv().unwrap_or_default();
        assert_eq!(lines.len(), WAITING);
        assert_eq!(lines.last().map(String::as_str), Some("end"));
        assert_eq!(frame, Some(vec![(3 * WAITING - 1).to_string()]));
        assert!(sink.end().await.is_ok());
    }

    #[tokio::test]
    async fn a_writer_that_stops_for_long_costs_the_oldest_lines_and_no_more_memory() {
        let ((allow, allowed), (drew, drawn)) = (mpsc::channel(), mpsc::channel());
        let sink = Sink::spawn(Gate { allowed, drawn: drew });
        sink.line("first".to_owned(), false);
        assert_eq!(drawn.recv(), Ok((vec!["first".to_owned()], None)));
        for n in 0..MOST_WAITING + 3 {
            sink.line(n.to_string(), false);
            assert_eq!(sink.lost(), (n + 1).saturating_sub(MOST_WAITING) as u64);
        }
        for _ in 0..2 {
            assert_eq!(allow.send(()), Ok(()));
        }
        let (lines, _) = drawn.recv().unwrap_or_default();
        assert_eq!((lines.len(), lines.first().map(String::as_str)), (MOST_WAITING, Some("3")));
        assert!(sink.end().await.is_ok());
    }

    #[tokio::test]
    async fn a_writer_that_fails_is_told_once() {
        let ((allow, allowed), (drew, drawn)) = (mpsc::channel(), mpsc::channel());
        drop((allow, drawn));
        let sink = Sink::spawn(Gate { allowed, drawn: drew });
        sink.line("lost".to_owned(), false);
        assert_eq!(sink.failed().await.kind(), io::ErrorKind::Other);
        sink.line("lost too".to_owned(), false);
        assert!(sink.end().await.is_ok());
    }
}
