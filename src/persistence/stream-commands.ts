import { Bytes } from '../bytes/bytes.js';
import { StreamCursor } from '../values/stream-cursor.js';
import { StreamId } from '../values/stream-id.js';
import { type StreamImage, StreamPart } from '../values/stream-image.js';

/** A part of a command; text is latin1. Bytes are views that are valid until the next command is asked for. */
export type CommandPart = Bytes | string | number;

const field = new Bytes();
const value = new Bytes();

/**
 * The commands that make a stream with its groups: the base of an append-only file without preamble. They follow the
 * parts of an image. Pending entries that the stream does not have any more cannot be told by commands.
 */
export class StreamCommands {
  private readonly cursor = new StreamCursor();
  private nodesLeft: number;

  constructor(
    private readonly key: Bytes,
    private readonly image: StreamImage,
  ) {
    this.nodesLeft = image.count;
  }

  /** What comes before all parts. */
  *begin(): Generator<CommandPart[]> {
    if (this.image.size === 0) yield this.emptyStream();
    if (this.nodesLeft === 0) yield this.history();
  }

  /** What the part of the image that is being visited comes to. `listpack` is a node's. */
  *ofPart(part: number, listpack: Bytes): Generator<CommandPart[]> {
    if (part === StreamPart.node) {
      yield* this.entries(listpack);
      if (--this.nodesLeft === 0) yield this.history();
    } else if (part === StreamPart.group) yield* this.group();
    else if (part === StreamPart.pending) yield this.pending();
  }

  /** There is no command that creates an empty stream, but one that adds an entry and trims it away again. */
  private emptyStream(): CommandPart[] {
    const { lastId } = this.image;
    const id = lastId.isLeast ? StreamId.of(0, 1) : lastId;
    return ['XADD', this.key, 'MAXLEN', 0, id.toString(), 'x', 'y'];
  }

  private *entries(listpack: Bytes): Generator<CommandPart[]> {
    const { cursor, image } = this;
    cursor.enterDetached(image.id, listpack);
    for (let more = cursor.firstInNode(); more; more = cursor.nextInNode()) {
      if (cursor.isDeleted) continue;
      const command: CommandPart[] = ['XADD', this.key, cursor.id.toString()];
      for (let left = cursor.fields; left > 0; left--) {
        cursor.readPair(field, value);
        command.push(field.copy(), value.copy());
      }
      yield command;
    }
  }

  private history(): CommandPart[] {
    const { lastId, entriesAdded, maxDeletedId } = this.image;
    const history = ['ENTRIESADDED', entriesAdded, 'MAXDELETEDID', maxDeletedId.toString()];
    return ['XSETID', this.key, lastId.toString(), ...history];
  }

  private *group(): Generator<CommandPart[]> {
    const { name, lastId, entriesRead, consumers } = this.image.group;
    yield ['XGROUP', 'CREATE', this.key, name, lastId.toString(), 'ENTRIESREAD', entriesRead];
    for (const consumer of consumers) yield ['XGROUP', 'CREATECONSUMER', this.key, name, consumer.name];
  }

  private pending(): CommandPart[] {
    const { group, owner, id, time, deliveries } = this.image;
    const state = ['TIME', time, 'RETRYCOUNT', deliveries, 'JUSTID', 'FORCE'];
    return ['XCLAIM', this.key, group.name, group.nameOf(owner), 0, id.toString(), ...state];
  }
}
