import type { ReplyWriter } from '../protocol/reply-writer.js';
import type { Outgoing } from './message.js';

/** RESP2 has no pushes: a client that others redirect to is told on this channel. */
const channel = '__redis__:invalidate';

/** Tells a client which of the values that it keeps are not what they were. */
export class Invalidation implements Outgoing {
  /** @param keys latin1; undefined if all have gone */
  constructor(private readonly keys: readonly string[] | undefined) {}

  appendTo(writer: ReplyWriter): void {
    if (writer.protocol === 3) {
      writer.push(2);
      writer.text('invalidate');
    } else {
      writer.push(3);
      writer.text('message');
      writer.text(channel);
    }
    if (this.keys === undefined) return writer.null();
    writer.array(this.keys.length);
    for (const key of this.keys) writer.text(key);
  }
}

/** Tells a RESP3 client that the one which was to be told in its place is gone. */
export class BrokenRedirection implements Outgoing {
  constructor(private readonly id: number) {}

  appendTo(writer: ReplyWriter): void {
    writer.push(2);
    writer.text('tracking-redir-broken');
    writer.integer(this.id);
  }
}
