import type { BlockedState, Client } from '../clients/client.js';
import type { Call } from '../commands/command.js';
import type { ServerApi } from '../commands/server-api.js';
import type { Dispatcher } from '../dispatch/dispatcher.js';
import type { ReplyWriter } from '../protocol/reply-writer.js';

/** What a client of WAIT or WAITAOF waits for. */
export interface AwaitedCopies {
  /** The reply as things are. */
  answer(reply: ReplyWriter): void;
  /** There are enough copies. */
  enough(): boolean;
  /** Why waiting is of no use any more: an error reply. */
  refusal(): string | undefined;
}

interface Waiting {
  readonly client: Client;
  readonly state: BlockedState;
  readonly copies: AwaitedCopies;
}

/** Clients that wait until what they wrote is on other servers, or on disks: WAIT and WAITAOF. */
export class AcknowledgementWaits {
  private waiting: Waiting[] = [];

  constructor(
    private readonly server: ServerApi,
    private readonly dispatcher: () => Dispatcher,
    /** Asks replicas how far they are. */
    private readonly ask: () => void,
  ) {}

  /** Replies at once if there are enough copies, or if the client cannot wait. */
  wait(call: Call, copies: AwaitedCopies, deadline: number): void {
    if (call.denyBlocking || copies.enough()) return copies.answer(call.reply);
    call.block([], deadline, (reply) => copies.answer(reply));
    const { client } = call;
    if (client.blocked === undefined) return; // it must not wait, and was answered
    this.waiting.push({ client, state: client.blocked, copies });
    this.ask();
  }

  get size(): number {
    return this.waiting.length;
  }

  /** A replica has told how far it is, or the disk. */
  check(): void {
    if (this.waiting.length === 0) return;
    const { waiting } = this;
    // Who is answered may wait again at once.
    this.waiting = [];
    const left = waiting.filter((each) => !this.settle(each));
    this.waiting = [...left, ...this.waiting];
  }

  /** True of one who does not wait any more. */
  private settle({ client, state, copies }: Waiting): boolean {
    if (client.blocked !== state) return true;
    const refusal = copies.refusal();
    if (refusal !== undefined) this.dispatcher().blocking.answer(client, (reply) => reply.error(refusal));
    else if (!copies.enough()) return false;
    else this.server.unblock(client, 'timeout');
    return true;
  }
}
