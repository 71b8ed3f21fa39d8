import { Bytes } from '../bytes/bytes.js';
import { TWO_32 } from '../bytes/little-endian.js';
import type { Database } from '../keyspace/database.js';
import type { Ref } from '../memory/arena.js';
import type { Stream } from '../values/stream.js';
import type { StreamId } from '../values/stream-id.js';
import { ID_BYTES } from '../values/stream-id.js';
import { StreamImage, StreamPart } from '../values/stream-image.js';
import { Length, RdbType } from './rdb-types.js';
import type { RdbWriter } from './rdb-writer.js';
import type { CollectionWriter } from './snapshot-format.js';

/**
 * Streams in RDB files and DUMP payloads. The nodes go out as they lie in memory, then what is known of the stream,
 * then its groups: pending entries, consumers, and which of the pending entries are whose. There are three forms: the
 * second added what is known of deleted entries and how far groups have read, the third when consumers were active.
 */

/** From these versions of the format on there are the second and the third form. */
const secondFormVersion = 10;
const thirdFormVersion = 11;
const formTypes = [RdbType.streamListpacks, RdbType.streamListpacks2, RdbType.streamListpacks3];

const idBytes = Buffer.alloc(ID_BYTES);
const wordBytes = Buffer.alloc(8);
/** Parts of an image that are written between two looks at whether all were. */
const partsAtOnce = 1000;

/** Writes a stream in the form of that version. `begin` writes the form's number and gives the writer. */
export function saveStream(
  begin: (type: number) => RdbWriter,
  database: Database,
  ref: Ref,
  version: number,
): void {
  const image = new StreamImage(database.collection<Stream>(ref));
  const saver = new StreamSaver(image, version);
  const writer = begin(saver.type);
  saver.begin(writer);
  while (!image.visitSome(partsAtOnce, (name, value, part) => saver.element(writer, name, value, part)));
}

/** Writes a stream from its image, part by part. */
export class StreamSaver implements CollectionWriter {
  /** The number of the form. */
  readonly type: number;
  private readonly form: number;
  private nodesLeft: number;
  /** Pending entries of the present group that are still to come. */
  private pendingLeft = 0;

  constructor(
    private readonly image: StreamImage,
    version: number,
  ) {
    this.form = version >= thirdFormVersion ? 3 : version >= secondFormVersion ? 2 : 1;
    this.type = formTypes[this.form - 1];
    this.nodesLeft = image.count;
  }

  begin(out: RdbWriter): void {
    out.length(this.nodesLeft);
    if (this.nodesLeft === 0) this.head(out);
  }

  element(out: RdbWriter, name: Bytes, value: Bytes, part: number): void {
    switch (part) {
      case StreamPart.node:
        out.blob(name.buffer, name.start, name.end);
        out.blob(value.buffer, value.start, value.end);
        if (--this.nodesLeft === 0) this.head(out);
        break;
      case StreamPart.group:
        this.group(out);
        break;
      case StreamPart.pending:
        this.pending(out);
        break;
      case StreamPart.consumer:
        this.consumer(out);
        break;
      default:
        saveRawId(out, this.image.id);
    }
  }

  end(): void {}

  /** What follows the nodes. */
  private head(out: RdbWriter): void {
    const { size, lastId, firstId, maxDeletedId, entriesAdded, groups } = this.image;
    out.length(size);
    saveId(out, lastId);
    if (this.form >= 2) {
      saveId(out, firstId);
      saveId(out, maxDeletedId);
      saveNumber(out, entriesAdded);
    }
    out.length(groups.length);
  }

  private group(out: RdbWriter): void {
    const { name, lastId, entriesRead, pending } = this.image.group;
    out.string(Bytes.of(name));
    saveId(out, lastId);
    if (this.form >= 2) saveNumber(out, entriesRead);
    out.length(pending.size);
    this.pendingLeft = pending.size;
    if (this.pendingLeft === 0) this.consumerCount(out);
  }

  private pending(out: RdbWriter): void {
    const { id, time, deliveries } = this.image;
    saveRawId(out, id);
    out.time(time);
    saveNumber(out, deliveries);
    if (--this.pendingLeft === 0) this.consumerCount(out);
  }

  private consumerCount(out: RdbWriter): void {
    out.length(this.image.group.consumers.length);
  }

  private consumer(out: RdbWriter): void {
    const { name, seenTime, activeTime, pending } = this.image.consumer;
    out.string(Bytes.of(name));
    out.time(seenTime);
    if (this.form >= 3) out.time(activeTime);
    out.length(pending.size);
  }
}

function saveRawId(out: RdbWriter, id: StreamId): void {
  id.encode(idBytes, 0);
  out.raw(idBytes);
}

function saveId(out: RdbWriter, { msHigh, msLow, seqHigh, seqLow }: StreamId): void {
  saveWords(out, msHigh, msLow);
  saveWords(out, seqHigh, seqLow);
}

/** A number that others keep in 64 bits. -1 becomes the greatest of them. */
function saveNumber(out: RdbWriter, n: number): void {
  saveWords(out, Math.floor(n / TWO_32) | 0, n | 0);
}

/** An unsigned 64-bit number as a length. */
function saveWords(out: RdbWriter, high: number, low: number): void {
  if (high >>> 0 < 2 ** 21) return out.length(high * TWO_32 + (low >>> 0));
  out.byte(Length.long);
  wordBytes.writeInt32BE(high, 0);
  wordBytes.writeInt32BE(low, 4);
  out.raw(wordBytes);
}
