//! What has been begun and not answered yet, so that the end can wait for it.
//!
//! A call is at work until the last byte of its answer is handed on. Invariant:
//! whatever becomes of the answer, sent, given up or dropped, it is counted off
//! once. Deliberately not here: streams that stand open until somebody closes
//! them; waiting for those would be waiting for ever.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio::sync::watch;
use tokio::time::timeout;

/// After how long the work is done again where no call comes: what is no call, as a watcher, uses memory too.
const REST_MAX: Duration = Duration::from_mins(1);

/// How many calls are at work. Clones count the same ones.
#[derive(Clone)]
pub(super) struct Calls(watch::Sender<usize>);

/// A call that is at work for as long as this lives.
pub(super) struct Begun(watch::Sender<usize>);

impl Calls {
    pub(super) fn new() -> Self {
        Self(watch::Sender::new(0))
    }

    pub(super) fn begin(&self) -> Begun {
        self.0.send_modify(|calls| *calls += 1);
        Begun(self.0.clone())
    }

    /// Does the work whenever no call has been at work for a while, once, and after another while again.
    pub(super) async fn at_rest(&self, pause: Duration, work: Arc<dyn Fn() + Send + Sync>) {
        let mut calls = self.0.subscribe();
        loop {
            // The sender is ours, so neither wait can fail.
            drop(calls.wait_for(|calls| *calls == 0).await);
            let is_disturbed = timeout(pause, calls.changed()).await.is_ok();
            if !is_disturbed {
                let work = Arc::clone(&work);
                drop(tokio::task::spawn_blocking(move || work()).await);
                drop(timeout(REST_MAX, calls.changed()).await);
            }
        }
    }

    /// Returns when no call is at work.
    pub(super) async fn all_done(&self) {
        // The sender is ours, so the wait cannot fail.
        drop(self.0.subscribe().wait_for(|calls| *calls == 0).await);
    }
}

impl Drop for Begun {
    fn drop(&mut self) {
        self.0.send_modify(|calls| *calls = calls.saturating_sub(1));
    }
}

/// A body that keeps its call at work until it has been sent.
pub(super) struct Counted<B> {
    body: B,
    _begun: Option<Begun>,
}

impl<B> Counted<B> {
    pub(super) fn new(body: B, begun: Option<Begun>) -> Self {
        Self {
            body,
            _begun: begun,
        }
    }
}

impl<B: Body<Data = Bytes, Error = Infallible> + Unpin> Body for Counted<B> {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::{BodyExt as _, Full};

    use super::*;

    fn at_work(calls: &Calls) -> usize {
        *calls.0.borrow()
    }

    #[test]
    fn a_call_is_over_when_its_answer_is_gone() {
        let calls = Calls::new();
        let body = Counted::new(Full::new(Bytes::from("answer")), Some(calls.begin()));
        let dropped = Counted::new(Full::new(Bytes::new()), Some(calls.begin()));
        let standing = Counted::new(Full::new(Bytes::new()), None);
        assert_eq!((at_work(&calls), body.size_hint().exact()), (2, Some(6)));
        drop((dropped, standing));
        assert_eq!(at_work(&calls), 1);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        let sent = runtime.block_on(async move { body.collect().await.unwrap().to_bytes() });
        assert_eq!(sent, "answer");
        assert_eq!(at_work(&calls), 0);
        runtime.block_on(calls.all_done());
    }

    #[test]
    fn it_rests_when_no_call_is_at_work_and_not_before() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap();
        let (calls, (rested, mut rests)) = (Calls::new(), tokio::sync::mpsc::unbounded_channel());
        runtime.block_on(async {
            let resting = calls.clone();
            let work = Arc::new(move || rested.send(*resting.0.borrow()).unwrap());
            let resting = calls.clone();
            let begun = calls.begin();
            let task = tokio::spawn(async move {
                resting.at_rest(Duration::from_millis(5), work).await;
            });
            assert!(
                timeout(Duration::from_millis(50), rests.recv())
                    .await
                    .is_err()
            );
            drop(begun);
            assert_eq!(rests.recv().await, Some(0));
            // Once: it goes on resting until something happens.
            assert!(
                timeout(Duration::from_millis(50), rests.recv())
                    .await
                    .is_err()
            );
            drop(calls.begin());
            assert_eq!(rests.recv().await, Some(0));
            task.abort();
        });
    }
}
