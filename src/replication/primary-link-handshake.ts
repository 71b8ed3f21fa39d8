import { lineFeed } from '../protocol/resp-bytes.js';
import type { ReplicaHost } from './replica-host.js';

/** How the introduction of a replica to its primary ended. */
export type HandshakeOutcome =
  /** The reason is in the log. */
  | { kind: 'failed' }
  /** The other side does not want to be the primary in our place. */
  | { kind: 'refused' }
  /** A snapshot follows, and then the stream from that offset on. */
  | { kind: 'full'; id: string; offset: number }
  /** The stream goes on; under that id, if it says so. */
  | { kind: 'continue'; id: string | undefined };

export interface HandshakeOptions {
  /** The history that we could go on with, and the number of the first byte that is missing. */
  continues: { id: string; offset: number } | undefined;
  /** The other side is to become the primary in our place. */
  failover: boolean;
  send(words: readonly string[]): void;
  done(outcome: HandshakeOutcome): void;
}

interface Step {
  words: readonly string[];
  /** Judges the reply. False ends the handshake. */
  answered(reply: string): boolean;
}

/** Longest reply; anything longer does not come from a primary. */
const longestReply = 64 * 1024;
/** What a primary without PSYNC sends after SYNC has no offset. */
const unknownId = '?'.repeat(40);

/**
 * The introduction: a replica tells a primary who it is and what it can, one request after the other, and asks for its
 * data. Each reply is a line. After the last one the bytes belong to somebody else.
 */
export class Handshake {
  private readonly steps: Step[];
  private line = '';
  private over = false;

  constructor(
    private readonly host: ReplicaHost,
    private readonly options: HandshakeOptions,
  ) {
    this.steps = [this.ping(), ...this.login(), ...this.introduction(), this.synchronization()];
  }

  begin(): void {
    this.sendNext();
  }

  private sendNext(): void {
    if (!this.over && this.steps.length > 0) this.options.send(this.steps[0].words);
  }

  /** Takes bytes that arrived; returns how many of them are its own. */
  take(buffer: Buffer, start: number, end: number): number {
    let at = start;
    while (at < end && !this.over) {
      const found = buffer.subarray(at, end).indexOf(lineFeed);
      const stop = found < 0 ? end : at + found;
      this.line += buffer.toString('latin1', at, stop);
      at = found < 0 ? end : stop + 1;
      if (found >= 0) this.endLine();
      else if (this.line.length > longestReply) this.fail('Unexpected reply from the master, it is too long');
    }
    return at - start;
  }

  private endLine(): void {
    const line = this.line.replace(/\r$/, '');
    this.line = '';
    // Empty lines say that the answer takes its time.
    if (line === '') return;
    const step = this.steps.shift();
    if (step === undefined) return;
    if (!step.answered(line)) this.end({ kind: 'failed' });
    else this.sendNext();
  }

  private end(outcome: HandshakeOutcome): void {
    if (this.over) return;
    this.over = true;
    this.options.done(outcome);
  }

  private fail(reason: string): false {
    this.host.log.warning(reason);
    this.end({ kind: 'failed' });
    return false;
  }

  private ping(): Step {
    const { log } = this.host;
    return {
      words: ['PING'],
      answered: (reply) => {
        const wantsLogin = /^-(NOAUTH|NOPERM|ERR operation not permitted)/.test(reply);
        if (!reply.startsWith('+') && !wantsLogin)
          return this.fail(`Error reply to PING from master: '${reply}'`);
        log.notice('Master replied to PING, replication can continue...');
        return true;
      },
    };
  }

  private login(): Step[] {
    const { masterauth, masteruser } = this.host.config.values;
    if (masterauth === '') return [];
    const words = masteruser === '' ? ['AUTH', masterauth] : ['AUTH', masteruser, masterauth];
    return [
      {
        words,
        answered: (reply) => !reply.startsWith('-') || this.fail(`Unable to AUTH to MASTER: ${reply}`),
      },
    ];
  }

  private introduction(): Step[] {
    const { config, announcedPort } = this.host;
    const address = config.values['replica-announce-ip'];
    return [
      this.fact('listening-port', String(announcedPort)),
      ...(address === '' ? [] : [this.fact('ip-address', address)]),
      this.fact('capa', 'eof', 'capa', 'psync2'),
    ];
  }

  /** An old primary may not understand it; then it does without. */
  private fact(name: string, ...values: string[]): Step {
    return {
      words: ['REPLCONF', name, ...values],
      answered: (reply) => {
        if (reply.startsWith('-'))
          this.host.log.notice(`(Non critical) Master does not understand REPLCONF ${name}: ${reply}`);
        return true;
      },
    };
  }

  private synchronization(): Step {
    const { continues, failover } = this.options;
    const { log } = this.host;
    const words = ['PSYNC', continues?.id ?? '?', String(continues?.offset ?? -1)];
    if (continues === undefined) log.notice('Partial resynchronization not possible (no cached master)');
    else log.notice(`Trying a partial resynchronization (request ${continues.id}:${continues.offset}).`);
    if (failover) words.push('FAILOVER');
    return { words, answered: (reply) => this.judge(reply) };
  }

  private judge(reply: string): boolean {
    const { log } = this.host;
    const [word, id, offset] = reply.split(' ');
    if (word === '+FULLRESYNC') return this.fullSync(id ?? '', offset ?? '');
    if (word === '+CONTINUE') {
      this.end({ kind: 'continue', id: id?.length === 40 ? id : undefined });
      return true;
    }
    if (/^-(NOMASTERLINK|LOADING)/.test(reply)) {
      return this.fail(`Master is currently unable to PSYNC but should be in the future: ${reply}`);
    }
    if (this.options.failover) {
      log.warning(`PSYNC FAILOVER was refused: ${reply}`);
      this.end({ kind: 'refused' });
      return true;
    }
    if (!reply.startsWith('-ERR')) log.warning(`Unexpected reply to PSYNC from master: ${reply}`);
    else log.notice(`Master does not support PSYNC or is in error state (reply: ${reply})`);
    log.notice('Retrying with SYNC...');
    this.options.send(['SYNC']);
    this.end({ kind: 'full', id: unknownId, offset: -1 });
    return true;
  }

  private fullSync(id: string, offset: string): boolean {
    if (id.length !== 40 || !/^\d+$/.test(offset)) {
      return this.fail('Master replied with wrong +FULLRESYNC syntax.');
    }
    this.host.log.notice(`Full resync from master: ${id}:${offset}`);
    this.end({ kind: 'full', id, offset: Number(offset) });
    return true;
  }
}
