import type { Bytes } from '../bytes/bytes.js';
import type { ReplyWriter } from '../protocol/reply-writer.js';
import { carriageReturn, lineFeed, pushMark } from '../protocol/resp-bytes.js';

/** What a message is about: the first word that subscribers get. */
export type MessageKind = 'message' | 'pmessage' | 'smessage';

/** What a client is sent that is no reply. */
export interface Outgoing {
  /** Appends it in the protocol of the writer. */
  appendTo(writer: ReplyWriter): void;
}

/**
 * A message as bytes, encoded once for all its receivers: an array in RESP2, a push in RESP3, which differ
 * only in the first byte.
 */
export class Message implements Outgoing {
  private resp3: Buffer | undefined;

  private constructor(private readonly resp2: Buffer) {}

  /** Encodes `kind` and the bulk strings that follow it. The parts are copied. */
  static of(kind: MessageKind, ...parts: Bytes[]): Message {
    const headers = parts.map((part) => `$${part.length}\r\n`);
    const opening = `*${parts.length + 1}\r\n$${kind.length}\r\n${kind}\r\n`;
    let size = opening.length;
    for (let i = 0; i < parts.length; i++) size += headers[i].length + parts[i].length + 2;
    // Small ones come from Node's pool of slices; they are copied before the publishing command is over.
    const encoded = Buffer.allocUnsafe(size);
    let at = encoded.write(opening, 0, 'latin1');
    for (let i = 0; i < parts.length; i++) {
      const { buffer, start, end } = parts[i];
      at += encoded.write(headers[i], at, 'latin1');
      at += buffer.copy(encoded, at, start, end);
      encoded[at++] = carriageReturn;
      encoded[at++] = lineFeed;
    }
    return new Message(encoded);
  }

  /** Bytes on the wire. */
  get size(): number {
    return this.resp2.length;
  }

  appendTo(writer: ReplyWriter): void {
    writer.message(writer.protocol === 2 ? this.resp2 : (this.resp3 ??= asPush(this.resp2)));
  }
}

function asPush(array: Buffer): Buffer {
  const push = Buffer.from(array);
  push[0] = pushMark;
  return push;
}
