import { quoteWord, splitWords } from '../bytes/words.js';

/** What a file of a multi-part AOF is: the state that a rewrite began with, what came since, or superfluous. */
export type AofFileType = 'base' | 'incremental' | 'history';

/** One file of a multi-part AOF. */
export interface AofFile {
  /** Name in the directory of the AOF, latin1 as all configuration. */
  readonly name: string;
  readonly sequence: number;
  readonly type: AofFileType;
}

const letters = { b: 'base', i: 'incremental', h: 'history' } as const;
const letterOf = { base: 'b', incremental: 'i', history: 'h' } as const satisfies Record<AofFileType, string>;

/** Longest line of a manifest. */
const maxLineLength = 1024;

/** A manifest that cannot be used; the text says what is wrong and where. */
export class ManifestError extends Error {}

/**
 * The list of the files that make an AOF, in the order in which they are loaded. The format is Redis 7's: a line
 * `file <name> seq <number> type <b|i|h>` each, with `#` for comments; unknown keys are passed over.
 *
 * A value: it is changed by making another, so that what is on the disk and what is to come are never mixed.
 */
export class AofManifest {
  constructor(
    readonly base: AofFile | undefined = undefined,
    readonly incremental: readonly AofFile[] = [],
    /** Not needed any more, to be removed; the latest first. */
    readonly history: readonly AofFile[] = [],
    /** The greatest numbers used so far. */
    readonly lastBase: number = base?.sequence ?? 0,
    readonly lastIncremental: number = incremental.at(-1)?.sequence ?? 0,
  ) {}

  /** Files to load, in order. */
  get files(): AofFile[] {
    return this.base === undefined ? [...this.incremental] : [this.base, ...this.incremental];
  }

  /** Throws ManifestError. */
  static parse(text: string): AofManifest {
    let manifest = new AofManifest();
    const lines = text.split('\n');
    if (text === '') throw new ManifestError('Found an empty AOF manifest');
    // The last line ends with a newline too: what is split off behind it is nothing.
    if (lines.at(-1) === '') lines.pop();
    for (const [index, line] of lines.entries()) {
      try {
        const file = parseLine(line);
        if (file !== undefined) manifest = manifest.with(file);
      } catch (error) {
        if (!(error instanceof ManifestError)) throw error;
        throw new ManifestError(
          `Reading the manifest file, at line ${index + 1}\n>>> '${line}'\n${error.message}`,
        );
      }
    }
    if (manifest.files.length + manifest.history.length === 0)
      throw new ManifestError('Found an empty AOF manifest');
    return manifest;
  }

  format(): string {
    const base = this.base === undefined ? [] : [this.base];
    return [...base, ...this.history, ...this.incremental].map(formatLine).join('');
  }

  /** With one more file, as a manifest lists them. */
  private with(file: AofFile): AofManifest {
    const { base, incremental, history, lastBase, lastIncremental } = this;
    switch (file.type) {
      case 'base':
        if (base !== undefined) throw new ManifestError('Found duplicate base file information');
        return new AofManifest(file, incremental, history, file.sequence, lastIncremental);
      case 'incremental':
        if (file.sequence <= lastIncremental)
          throw new ManifestError('Found a non-monotonic sequence number');
        return new AofManifest(base, [...incremental, file], history, lastBase, file.sequence);
      case 'history':
        return new AofManifest(base, incremental, [...history, file], lastBase, lastIncremental);
    }
  }

  /** With a new incremental file at the end, the first one whose name is free. */
  withIncremental(prefix: string, isTaken: (name: string) => boolean): AofManifest {
    for (let sequence = this.lastIncremental + 1; ; sequence++) {
      const name = `${prefix}.${sequence}.incr.aof`;
      if (!isTaken(name)) return this.with({ name, sequence, type: 'incremental' });
    }
  }

  /** With a base file and nothing else: an old single file, or a name that another manifest used. */
  static ofBase(name: string): AofManifest {
    return new AofManifest({ name, sequence: 1, type: 'base' });
  }

  /** What the base file of the next rewrite is called. */
  nextBase(prefix: string, extension: 'rdb' | 'aof'): AofFile {
    const sequence = this.lastBase + 1;
    return { name: `${prefix}.${sequence}.base.${extension}`, sequence, type: 'base' };
  }

  /**
   * After a rewrite: a new base, in which all but the last `kept` incremental files are contained. They and the old
   * base become history.
   */
  rewritten(base: AofFile, kept: number): AofManifest {
    const { incremental } = this;
    const contained = incremental.slice(0, incremental.length - kept);
    const old = this.base === undefined ? contained : [this.base, ...contained];
    const history = old.map(({ name, sequence }): AofFile => ({ name, sequence, type: 'history' }));
    return new AofManifest(
      base,
      incremental.slice(incremental.length - kept),
      [...history.reverse(), ...this.history],
      base.sequence,
      this.lastIncremental,
    );
  }

  withoutHistory(): AofManifest {
    return new AofManifest(this.base, this.incremental, [], this.lastBase, this.lastIncremental);
  }
}

function parseLine(line: string): AofFile | undefined {
  if (line.startsWith('#')) return undefined;
  if (line.length > maxLineLength) throw new ManifestError('The AOF manifest file contains too long line');
  const words = splitWords(line);
  if (words === null || words.length < 6 || words.length % 2 !== 0) throw invalid();
  const values = new Map<string, string>();
  for (let i = 0; i < words.length; i += 2) values.set(words[i].toLowerCase(), words[i + 1]);
  const [name, sequence, type] = ['file', 'seq', 'type'].map((key) => values.get(key));
  if (!name || sequence === undefined || type === undefined) throw invalid();
  if (/[/\\]/.test(name)) throw new ManifestError("File can't be a path, just a filename");
  if (!/^\d{1,15}$/.test(sequence) || Number(sequence) === 0) throw invalid();
  if (!Object.hasOwn(letters, type)) throw new ManifestError('Unknown AOF file type');
  return { name, sequence: Number(sequence), type: letters[type as keyof typeof letters] };
}

function invalid(): ManifestError {
  return new ManifestError('Invalid AOF manifest file format');
}

function formatLine({ name, sequence, type }: AofFile): string {
  const shown = /[\s"'\\]|[^ -~]/.test(name) ? quoteWord(name) : name;
  return `file ${shown} seq ${sequence} type ${letterOf[type]}\n`;
}
