//! Waiting for the end of one prompt.

use std::{pin::Pin, time::Duration};

use comfyglow_core::state::PromptState;
use tokio::time;

use super::{
    Client,
    closed::Closed,
    event::{Event, Finish, Status, Topics},
    events::{EventsError, ROOM},
    http::{Http, RequestError, awaited},
    queue::Whereabouts,
};

/// Until a server that didn't answer is asked again.
const PAUSE: Duration = Duration::from_secs(2);

impl Client {
    /// Waits until the prompt `prompt_id` is over, and tells how it ended: one that was submitted here or elsewhere, has
    /// ended already or waits in the queue, whatever runs before and behind it.
    ///
    /// Its state is [`PromptState::Ended`] where nobody knows its outcome: it was taken out of the queue, or the server
    /// was restarted and has forgotten it, or never heard of it. Of one that ended unseen, only the state is known.
    ///
    /// A server that can't be asked is asked again, for as long as the client lives.
    ///
    /// # Errors
    ///
    /// Where the client ends before.
    ///
    /// # Cancel safety
    ///
    /// The future may be dropped at any time; another one tells the same end.
    pub async fn finished(&self, prompt_id: &str) -> Result<Finish, Closed> {
        let http = &*self.handle.http;
        // Before the server is asked: it may end meanwhile.
        let mut events = self.events_of(Topics::NONE.with::<Finish>().with::<Status>(), ROOM);
        let mut is_due = true;
        let mut asking: Option<Pin<Box<_>>> = None;
        let mut remaining = None;
        loop {
            if is_due && asking.is_none() {
                is_due = false;
                asking = Some(Box::pin(end(http, prompt_id)));
            }
            tokio::select! {
                biased;
                event = events.next() => match event {
                    Some(Ok(Event::Finish(finish))) if finish.prompt_id.as_deref() == Some(prompt_id) => {
                        return Ok(known_better(http, finish, prompt_id).await);
                    }
                    // What leaves the queue unseen has no event of its own, nor what a restarted server has forgotten.
                    Some(Ok(Event::Status(status))) => {
                        let before = remaining.replace(status.queue_remaining);
                        is_due |= status.sid.is_some() || before.is_none_or(|before| status.queue_remaining <= before);
                    }
                    Some(Ok(_)) => {}
                    Some(Err(EventsError::Closed(reason))) => return Err(reason),
                    Some(Err(_)) => is_due = true,
                    None => return Err(Closed::Aborted),
                },
                end = awaited(&mut asking), if asking.is_some() => {
                    asking = None;
                    if let Some(finish) = end {
                        return Ok(finish);
                    }
                }
            }
        }
    }
}

/// The end of the prompt; `None` while it waits or runs. Request again until there is an answer.
async fn end(http: &Http, prompt_id: &str) -> Option<Finish> {
    loop {
        match try_end(http, prompt_id).await {
            Ok(end) => return end,
            Err(error) => tracing::debug!(%error, prompt_id, "its end can't be asked for"),
        }
        time::sleep(PAUSE).await;
    }
}

async fn try_end(http: &Http, prompt_id: &str) -> Result<Option<Finish>, RequestError> {
    let mut finish = Finish::unheard(Some(prompt_id.to_owned()));
    match http.whereabouts(prompt_id).await? {
        Whereabouts::Queue(_) => return Ok(None),
        Whereabouts::History(outcome) => finish.state = outcome.state,
        Whereabouts::Nowhere => {}
    }
    Ok(Some(finish))
}

/// The end with its outcome, where that wasn't heard and the server knows it.
async fn known_better(http: &Http, mut finish: Finish, prompt_id: &str) -> Finish {
    if finish.state == PromptState::Ended
        && let Ok(Some(outcome)) = http.outcome(prompt_id).await
    {
        finish.state = outcome.state;
    }
    finish
}
