import { createHash, randomUUID } from 'node:crypto';
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { Script } from 'node:vm';

/**
 * A program that scripts/bundle.mjs has put into one file, and beside it what the engine compiled of it at an earlier
 * start: most of the time until the first reply would go into compiling the same code again.
 *
 * What was compiled lies in a file of its own for each text, version of Node and set of its options, `NAME.KEY.cache`,
 * behind a digest: the engine trusts what it is given, and would run into anything that a damaged file holds.
 */
export class CompiledProgram<Exports extends object> {
  readonly exports = {} as Exports;
  private readonly script: Script;
  private readonly cacheFile: string;
  private readonly complete: boolean;

  /** Runs `folder`/`name`.cjs. Throws if that cannot be read. */
  constructor(folder: URL, name: string) {
    const filename = fileURLToPath(new URL(`${name}.cjs`, folder));
    const text = readFileSync(filename);
    this.cacheFile = fileURLToPath(new URL(`${name}.${keyOf(text)}.cache`, folder));
    const cachedData = readCache(this.cacheFile);
    this.script = new Script(text.toString('latin1'), { filename, cachedData });
    this.complete = cachedData !== undefined && this.script.cachedDataRejected === false;
    const run = this.script.runInThisContext();
    run(this.exports, createRequire(import.meta.url), folder.href, fileURLToPath(folder));
  }

  /**
   * To be called when all has run that a start runs. Keeps what has been compiled for the next start, unless it was
   * there; or not at all where the program's folder may not be written.
   */
  keepCompiled(): void {
    if (this.complete) return;
    const data = this.script.createCachedData();
    const unfinished = `${this.cacheFile}.${randomUUID()}`;
    try {
      writeFileSync(unfinished, Buffer.concat([digest(data), data]));
      renameSync(unfinished, this.cacheFile);
    } catch {
      removeIfPossible(unfinished);
    }
  }
}

/** What was compiled serves for the same text and engine, set up in the same way. */
function keyOf(text: Buffer): string {
  const { version, platform, arch, execArgv, env } = process;
  const setting = JSON.stringify([version, platform, arch, execArgv, env.NODE_OPTIONS]);
  return createHash('sha1').update(setting).update(text).digest('hex').slice(0, 16);
}

function digest(data: Buffer): Buffer {
  return createHash('sha1').update(data).digest();
}

/** Undefined if there is no such file, or not a whole one. */
function readCache(file: string): Buffer | undefined {
  try {
    const content = readFileSync(file);
    const data = content.subarray(20);
    return digest(data).equals(content.subarray(0, 20)) ? data : undefined;
  } catch {
    return undefined;
  }
}

function removeIfPossible(file: string): void {
  try {
    rmSync(file, { force: true });
  } catch {
    // It may not be removed either.
  }
}
