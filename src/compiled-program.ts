import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { Script } from 'node:vm';

/**
 * A program that scripts/bundle.mjs has put into one file, and beside it what the engine compiled of it at an earlier
 * start: most of the time until the first reply would go into compiling the same code again.
 *
 * The engine takes the compiled code only if it is of its own version and settings and the text has the length that it
 * had; else it compiles, as it does when the file is missing or unreadable.
 */
export class CompiledProgram<Exports extends object> {
  readonly exports = {} as Exports;
  private readonly script: Script;
  private readonly cacheFile: string;
  private readonly complete: boolean;

  /** Runs `folder`/`name`.cjs. Throws if that cannot be read. */
  constructor(folder: URL, name: string) {
    const filename = fileURLToPath(new URL(`${name}.cjs`, folder));
    this.cacheFile = fileURLToPath(new URL(`${name}.cache`, folder));
    const cachedData = readIfThere(this.cacheFile);
    this.script = new Script(readFileSync(filename, 'latin1'), { filename, cachedData });
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
    const unfinished = `${this.cacheFile}.${process.pid}`;
    try {
      writeFileSync(unfinished, this.script.createCachedData());
      renameSync(unfinished, this.cacheFile);
    } catch {
      rmSync(unfinished, { force: true });
    }
  }
}

function readIfThere(file: string): Buffer | undefined {
  try {
    return readFileSync(file);
  } catch {
    return undefined;
  }
}
