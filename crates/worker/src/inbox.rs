//! Commands that have come and are not yet acted on.

use std::collections::VecDeque;

use futures::StreamExt as _;
use futures::channel::mpsc::UnboundedReceiver;
use protocol::{Command, ResampleRequest, RunId};

/// Commands in the order in which the page sent them. Of several `Resample`s in a row it keeps only the last.
#[derive(Debug)]
pub struct Inbox {
    receiver: UnboundedReceiver<Command>,
    waiting: VecDeque<Command>,
}

impl Inbox {
    /// An inbox of the commands that a channel delivers.
    pub fn new(receiver: UnboundedReceiver<Command>) -> Self {
        Self {
            receiver,
            waiting: VecDeque::new(),
        }
    }

    /// Takes in all commands that were delivered.
    pub fn listen(&mut self) {
        while let Ok(command) = self.receiver.try_recv() {
            self.put(command);
        }
    }

    /// The next command, if one was delivered.
    pub fn try_next(&mut self) -> Option<Command> {
        self.listen();
        self.waiting.pop_front()
    }

    /// Waits for the next command; none at the end of the page.
    pub async fn next(&mut self) -> Option<Command> {
        self.listen();
        if self.waiting.is_empty() {
            let first = self.receiver.next().await?;
            self.put(first);
            self.listen();
        }
        self.waiting.pop_front()
    }

    /// Whether the page wants to stop this run.
    pub fn has_stop(&self, run: RunId) -> bool {
        self.waiting.contains(&Command::Stop(run))
    }

    /// Takes the next command out if it changes the sampling parameters of this run.
    pub fn next_resample(&mut self, run: RunId) -> Option<ResampleRequest> {
        match self.waiting.front() {
            Some(&Command::Resample(request)) if request.run == run => {
                self.waiting.pop_front();
                Some(request)
            }
            _ => None,
        }
    }

    /// Whether another swarm is asked for next.
    pub fn generate_is_next(&self) -> bool {
        matches!(self.waiting.front(), Some(Command::Generate(_)))
    }

    fn put(&mut self, command: Command) {
        if matches!(command, Command::Resample(_))
            && matches!(self.waiting.back(), Some(Command::Resample(_)))
        {
            self.waiting.pop_back();
        }
        self.waiting.push_back(command);
    }
}

#[cfg(test)]
mod tests {
    use decoding::Shaping;
    use futures::channel::mpsc::{UnboundedSender, unbounded};
    use protocol::{Lambda, SamplingParams};

    use super::*;

    fn inbox() -> (UnboundedSender<Command>, Inbox) {
        let (sender, receiver) = unbounded();
        (sender, Inbox::new(receiver))
    }

    fn resample(turn: u32) -> Command {
        let params = SamplingParams {
            shaping: Shaping::default(),
            lambda: Lambda::default(),
            seed: u64::from(turn),
        };
        Command::Resample(ResampleRequest {
            run: RunId(1),
            turn,
            params,
        })
    }

    #[test]
    fn of_resamples_in_a_row_the_last_is_kept_and_the_order_stays() {
        let (sender, mut inbox) = inbox();
        let stop = Command::Stop(RunId(7));
        for command in [resample(1), resample(2), stop.clone(), resample(3)] {
            sender.unbounded_send(command).unwrap();
        }
        assert_eq!(inbox.try_next(), Some(resample(2)));
        assert!(inbox.has_stop(RunId(7)) && !inbox.has_stop(RunId(1)));
        // Also with one that was delivered later.
        sender.unbounded_send(resample(4)).unwrap();
        assert_eq!(inbox.try_next(), Some(stop));
        assert_eq!(inbox.try_next(), Some(resample(4)));
        assert_eq!(inbox.try_next(), None);
    }

    #[test]
    fn only_the_next_command_and_only_of_that_run_is_taken_as_a_resample() {
        let (sender, mut inbox) = inbox();
        sender.unbounded_send(resample(1)).unwrap();
        inbox.listen();
        assert_eq!(inbox.next_resample(RunId(2)), None);
        assert_eq!(
            inbox.next_resample(RunId(1)).map(|request| request.turn),
            Some(1)
        );
        sender.unbounded_send(Command::Stop(RunId(1))).unwrap();
        sender.unbounded_send(resample(2)).unwrap();
        inbox.listen();
        assert_eq!(inbox.next_resample(RunId(1)), None);
    }

    #[test]
    fn an_inbox_ends_with_its_page() {
        let (sender, mut inbox) = inbox();
        sender.unbounded_send(Command::Stop(RunId(1))).unwrap();
        drop(sender);
        assert_eq!(
            pollster::block_on(inbox.next()),
            Some(Command::Stop(RunId(1)))
        );
        assert_eq!(pollster::block_on(inbox.next()), None);
    }
}
