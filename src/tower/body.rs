use crate::paywall::{BodyCounter, EndReason, Ending, Meter};
use crate::transport::ResponseBody;
use bytes::{Bytes, BytesMut};
use core::fmt;
use core::future::poll_fn;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use http_body::{Body, Frame, SizeHint};
use tokio::sync::oneshot;

/// The body of an answer of the paywall: a text of its own, or the body of the service, which streams through it.
pub struct PaidBody<B> {
    kind: Kind<B>,
    copy: Option<BodyCopy<B>>,
}

/// A copy of a body as it goes out, for an answer that is kept.
struct BodyCopy<B> {
    bytes: BytesMut,
    /// Receives the whole body; `None` where it is too large, or broke off.
    done: oneshot::Sender<Option<Bytes>>,
    drain: fn(ResponseBody<B>, BytesMut, oneshot::Sender<Option<Bytes>>),
}

/// The largest body that is kept, in bytes.
const MAX_COPY: usize = 64 * 1024;

enum Kind<B> {
    Plain(ResponseBody<B>),
    Metered(Metered<B>),
}

/// A body that is counted, and whose end waits for the settlement.
struct Metered<B> {
    body: Option<Pin<Box<B>>>,
    counter: BodyCounter,
    ended: Option<oneshot::Sender<Ending>>,
    tail: oneshot::Receiver<Option<String>>,
}

/// The other side of a counted body.
pub(super) struct MeteredEnd {
    /// The counts, when the body has ended.
    pub(super) ended: oneshot::Receiver<Ending>,
    /// Ends the answer with this text, or without one.
    pub(super) finish: oneshot::Sender<Option<String>>,
}

impl<B> PaidBody<B> {
    pub(super) fn text(text: String) -> Self {
        Self { kind: Kind::Plain(ResponseBody::text(text)), copy: None }
    }

    pub(super) fn bytes(bytes: Vec<u8>) -> Self {
        Self { kind: Kind::Plain(ResponseBody::bytes(bytes.into())), copy: None }
    }

    pub(super) fn origin(body: B) -> Self {
        Self { kind: Kind::Plain(ResponseBody::stream(body)), copy: None }
    }

    pub(super) fn metered(body: B, meter: &Meter) -> (Self, MeteredEnd) {
        let (ended, ended_receiver) = oneshot::channel();
        let (finish, tail) = oneshot::channel();
        let metered = Metered {
            body: Some(Box::pin(body)),
            counter: BodyCounter::new(meter.unit.clone()),
            ended: Some(ended),
            tail,
        };
        (Self { kind: Kind::Metered(metered), copy: None }, MeteredEnd { ended: ended_receiver, finish })
    }
}

impl<B: Body<Data = Bytes> + Send + 'static> PaidBody<B> {
    /// Copies the body as it goes out. What a client that hung up has not read is read on.
    pub(super) fn copied(mut self) -> (Self, oneshot::Receiver<Option<Bytes>>) {
        let (done, copied) = oneshot::channel();
        self.copy = Some(BodyCopy { bytes: BytesMut::new(), done, drain });
        (self, copied)
    }
}

/// Reads a body to its end, in a task of its own.
fn drain<B: Body<Data = Bytes> + Send + 'static>(
    mut rest: ResponseBody<B>,
    mut bytes: BytesMut,
    done: oneshot::Sender<Option<Bytes>>,
) {
    let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
    runtime.spawn(async move {
        let whole = loop {
            match poll_fn(|context| Pin::new(&mut rest).poll_frame(context)).await {
                None => break Some(bytes.freeze()),
                Some(Ok(frame)) => bytes.extend_from_slice(frame.data_ref().map_or(&[][..], |data| data)),
                Some(Err(_)) => break None,
            }
            if bytes.len() > MAX_COPY {
                break None;
            }
        };
        let _ = done.send(whole);
    });
}

impl<B> Drop for PaidBody<B> {
    fn drop(&mut self) {
        let Some(BodyCopy { bytes, done, drain }) = self.copy.take() else { return };
        let empty = Kind::Plain(ResponseBody::text(String::new()));
        // The end of a metered body is its client's.
        if let Kind::Plain(rest) = core::mem::replace(&mut self.kind, empty) {
            drain(rest, bytes, done);
        }
    }
}

impl<B> Metered<B> {
    fn end(&mut self, how: EndReason) {
        self.body = None;
        if let Some(ended) = self.ended.take() {
            // Without a receiver nobody settles any more.
            let _ = ended.send(self.counter.ending(how));
        }
    }
}

/// A body that is dropped before its end is one whose client left.
impl<B> Drop for Metered<B> {
    fn drop(&mut self) {
        self.end(EndReason::ClientLeft);
    }
}

impl<B: Body<Data = Bytes>> Metered<B> {
    fn poll_frame(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        if let Some(body) = &mut self.body {
            match ready!(body.as_mut().poll_frame(context)) {
                Some(Ok(frame)) => {
                    if let Some(data) = frame.data_ref() {
                        self.counter.add(data);
                    }
                    return Poll::Ready(Some(Ok(frame)));
                }
                Some(Err(error)) => {
                    self.end(EndReason::OriginBroke);
                    return Poll::Ready(Some(Err(error)));
                }
                None => self.end(EndReason::Whole),
            }
        }
        if self.tail.is_terminated() {
            return Poll::Ready(None);
        }
        let tail = ready!(Pin::new(&mut self.tail).poll(context));
        let text = tail.ok().flatten().map(|tail| Bytes::from([self.counter.gap(), &tail].concat()));
        Poll::Ready(text.map(|text| Ok(Frame::data(text))))
    }
}

impl<B: Body<Data = Bytes>> Body for PaidBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let frame = ready!(match &mut self.kind {
            Kind::Plain(body) => Pin::new(body).poll_frame(context),
            Kind::Metered(metered) => metered.poll_frame(context),
        });
        if let Some(mut copy) = self.copy.take() {
            match &frame {
                None => drop(copy.done.send(Some(copy.bytes.freeze()))),
                Some(Err(_)) => drop(copy.done.send(None)),
                Some(Ok(frame)) => {
                    copy.bytes.extend_from_slice(frame.data_ref().map_or(&[][..], |data| data));
                    self.copy = Some(copy).filter(|copy| copy.bytes.len() <= MAX_COPY);
                }
            }
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        match &self.kind {
            Kind::Plain(body) => body.is_end_stream(),
            Kind::Metered(_) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            Kind::Plain(body) => body.size_hint(),
            Kind::Metered(_) => SizeHint::default(),
        }
    }
}

impl<B> fmt::Debug for PaidBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PaidBody").finish_non_exhaustive()
    }
}
