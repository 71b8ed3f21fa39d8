import type { Bytes } from '../bytes/bytes.js';
import { CommandError, errors } from '../protocol/errors.js';
import type { Stream } from '../values/stream.js';
import { StreamId } from '../values/stream-id.js';
import { type Trimming, trimStream } from '../values/stream-trimming.js';
import { longArgument } from './arguments.js';
import type { PropagatedArgument } from './command.js';
import { idBytes } from './stream-access.js';
import { idArgument } from './stream-ids.js';
import { type References, referencesOf, trimConsent } from './stream-references.js';

const limitWithoutStrategy = 'ERR syntax error, LIMIT cannot be used without specifying a trimming strategy';
const both = 'ERR syntax error, MAXLEN and MINID options at the same time are not compatible';

/** Nodes whose worth of entries an approximate trimming removes at most, unless it says otherwise. */
const nodesAtOnce = 100;
const usualLimit = 10_000;
const greatestLimit = 1_000_000;

/** The options of XADD and XTRIM that say what to remove. One object serves all: `reset` it before reading. */
export class TrimOptions {
  strategy: 'none' | 'maxlen' | 'minid' = 'none';
  approximate = false;
  private maxLength = 0;
  private readonly minId = new StreamId();
  private limit = 0;
  private limitGiven = false;
  private references: References | undefined;

  reset(): void {
    this.strategy = 'none';
    this.approximate = false;
    this.limit = 0;
    this.limitGiven = false;
    this.references = undefined;
  }

  /** Reads an option at `i`, if there is one. Returns where the next argument is; `i` if this is no such option. */
  read(args: Bytes[], argc: number, i: number): number {
    const more = argc - 1 - i;
    const references = referencesOf(args[i]);
    if (references !== undefined) return this.setReferences(references, i);
    if (more === 0) return i;
    if (args[i].is('maxlen')) return this.readStrategy('maxlen', args, more, i);
    if (args[i].is('minid')) return this.readStrategy('minid', args, more, i);
    if (!args[i].is('limit')) return i;
    this.limit = longArgument(args[i + 1]);
    if (this.limit < 0) throw new CommandError('ERR The LIMIT argument must be >= 0.');
    this.limitGiven = true;
    return i + 2;
  }

  private setReferences(references: References, i: number): number {
    if (this.references !== undefined) throw new CommandError(errors.syntax);
    this.references = references;
    return i + 1;
  }

  private readStrategy(strategy: 'maxlen' | 'minid', args: Bytes[], more: number, i: number): number {
    if (this.strategy !== 'none') throw new CommandError(both);
    this.approximate = false;
    let at = i + 1;
    if (more >= 2 && args[at].is('~')) {
      this.approximate = true;
      at++;
    } else if (more >= 2 && args[at].is('=')) at++;
    if (strategy === 'maxlen') {
      this.maxLength = longArgument(args[at]);
      if (this.maxLength < 0) throw new CommandError('ERR The MAXLEN argument must be >= 0.');
    } else idArgument(args[at], this.minId);
    this.strategy = strategy;
    return at + 1;
  }

  /** Throws CommandError if the options do not go together, or with `trimsOnly` do not say how to trim. */
  check(trimsOnly: boolean): void {
    if (this.strategy === 'none') {
      if (this.limit > 0) throw new CommandError(limitWithoutStrategy);
      if (trimsOnly)
        throw new CommandError('ERR syntax error, XTRIM must be called with a trimming strategy');
    }
    if (this.limitGiven && !this.approximate) {
      throw new CommandError('ERR syntax error, LIMIT cannot be used without the special ~ option');
    }
  }

  /** Trims a stream as the options say. Returns how many entries went. */
  trim(stream: Stream, nodeEntries: number): number {
    if (this.strategy === 'none') return 0;
    const trimming: Trimming =
      this.strategy === 'maxlen' ? { maxLength: this.maxLength } : { minId: this.minId };
    if (this.approximate) trimming.limit = this.entryLimit(nodeEntries);
    if (this.references !== undefined) trimming.consent = trimConsent(stream, this.references);
    return trimStream(stream, trimming);
  }

  private entryLimit(nodeEntries: number): number {
    if (this.limitGiven) return this.limit === 0 ? Number.POSITIVE_INFINITY : this.limit;
    const usual = nodesAtOnce * nodeEntries;
    return usual <= 0 ? usualLimit : Math.min(usual, greatestLimit);
  }

  /**
   * The options with which somebody whose nodes have other sizes trims to the same entries: after an approximate
   * trimming, exactly to what it left.
   */
  propagated(stream: Stream): PropagatedArgument[] {
    if (this.strategy === 'none') return [];
    return [...this.threshold(stream), ...this.propagatedReferences()];
  }

  private threshold(stream: Stream): PropagatedArgument[] {
    if (!this.approximate) {
      return this.strategy === 'maxlen'
        ? ['MAXLEN', '=', this.maxLength]
        : ['MINID', '=', idBytes(this.minId)];
    }
    // By its ID only if all went that is before it; what the groups let go went in order, and a number tells how far.
    const byId = this.strategy === 'minid' && this.references !== 'acknowledged' && stream.size > 0;
    return byId ? ['MINID', '=', idBytes(stream.firstId)] : ['MAXLEN', '=', stream.size];
  }

  private propagatedReferences(): PropagatedArgument[] {
    if (this.references === 'drop') return ['DELREF'];
    return this.references === 'acknowledged' ? ['ACKED'] : [];
  }
}

/** Reads the options of XTRIM, which has nothing else. */
export function readTrimArguments(options: TrimOptions, args: Bytes[], argc: number): void {
  options.reset();
  for (let i = 2; i < argc; ) {
    const next = options.read(args, argc, i);
    if (next === i) throw new CommandError(errors.syntax);
    i = next;
  }
  options.check(true);
}
