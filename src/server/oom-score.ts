import { readFileSync, writeFileSync } from 'node:fs';
import type { Log } from '../commands/server-api.js';
import { type Config, ConfigError } from '../config/config.js';
import { systemErrorText } from '../config/files.js';

/** From "never" to "before all others". */
const leastScore = -1000;
const mostScore = 1000;

/**
 * How soon Linux ends this process when memory runs out: `oom-score-adj`. Elsewhere that cannot be said, and CONFIG SET
 * is refused. The third of `oom-score-adj-values` has no use, for nothing is saved by another process.
 */
export class OomScore {
  /** Score before it was changed here. */
  private original: number | undefined;
  private isReplica = false;

  constructor(
    private readonly config: Config,
    private readonly log: Log,
    /** Where Linux keeps the score of the process that asks. */
    private readonly file = '/proc/self/oom_score_adj',
  ) {
    this.adjust();
    config.onChangeOfAny(['oom-score-adj', 'oom-score-adj-values'], () => {
      if (!this.adjust()) throw new ConfigError('Failed to set current oom_score_adj. Check server logs.');
    });
  }

  /** The server has become a replica, or a primary. */
  roleChanged(isReplica: boolean): void {
    this.isReplica = isReplica;
    this.adjust();
  }

  /** False if that cannot be; then the log says why. */
  private adjust(): boolean {
    const mode = this.config.values['oom-score-adj'];
    if (mode === 'no' && this.original === undefined) return true;
    try {
      const original = this.original ?? Number.parseInt(readFileSync(this.file, 'latin1'), 10);
      const wanted = mode === 'no' ? original : this.wanted(mode === 'absolute' ? 0 : original);
      writeFileSync(this.file, `${wanted}\n`);
      this.original = mode === 'no' ? undefined : original;
      return true;
    } catch (error) {
      this.log.warning(`Unable to change oom_score_adj: ${systemErrorText(error)}`);
      return false;
    }
  }

  private wanted(base: number): number {
    const [primary, replica] = this.config.values['oom-score-adj-values'];
    return Math.min(Math.max(base + (this.isReplica ? replica : primary), leastScore), mostScore);
  }
}
