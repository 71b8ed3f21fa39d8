import type { Clock } from '../ambient/clock.js';
import type { Bytes } from '../bytes/bytes.js';
import { GcCommand, LuaStatus } from './lua/exports.js';
import type { KeptValue, LuaState } from './lua/lua-state.js';
import { replyFields } from './lua-to-reply.js';
import { RedisLibrary, type ServerVersion } from './redis-library.js';
import { Sandbox } from './sandbox.js';
import { errorAt, type Place, placeOf, readError, type ScriptError } from './script-error.js';
import type { ScriptHost } from './script-host.js';

/**
 * Where a script cannot be suspended, in a metamethod or the search for a pattern, it may go on for so long after its
 * time is up, or after others had their turn. Then it fails: nobody could end it otherwise, and nobody is served.
 */
const patienceMicroseconds = 1_000_000;

export type Outcome = 'returned' | 'failed' | 'suspended';

export interface VmSettings {
  clock: Clock;
  host: ScriptHost;
  version: ServerVersion;
  /** Most bytes of memory. */
  memoryLimit: number;
  /** Processor time that the process has used. */
  cpuSeconds: () => number;
  /** After so many ms a script is suspended now and then, so that others have their turn. */
  busyThresholdMs: () => number;
}

/** A machine that runs one script at a time, which may be suspended and go on later. */
export class LuaVm {
  readonly sandbox: Sandbox;
  readonly lua: LuaState;
  readonly redis: RedisLibrary;
  /** Why the last run failed. */
  error: ScriptError = { message: '', counted: false };
  /** The machine is in an unknown state, or has grown to its limit: it must not be used again. */
  lost = false;
  private thread = 0;
  private threadRef = 0;
  private readonly hook: number;
  private startedAt = 0;
  /** When it was last suspended and went on. */
  private continuedAt = 0;
  private scriptName = '';
  private suspendedAt: Place | undefined;
  /** A limit that ends the run, in µs; while there is one, be it infinite, nothing is suspended. */
  private hardLimit: number | undefined;
  private hardLimitText = '';

  constructor(
    private readonly settings: VmSettings,
    forEval: boolean,
  ) {
    const { clock, memoryLimit, cpuSeconds, host, version } = settings;
    let redis!: RedisLibrary;
    const openRedis = (lua: LuaState) => {
      redis = new RedisLibrary(lua, host, version);
      redis.open(forEval);
    };
    this.sandbox = new Sandbox(clock, memoryLimit, cpuSeconds, openRedis, !forEval);
    this.redis = redis;
    this.lua = this.sandbox.lua;
    this.hook = this.lua.module.addFunction((L) => this.look(L), 'hook');
    this.sandbox.onDelay = (L) => this.lookAtLoop(L);
    this.lua.watchLoops((L) => this.lookAtLoop(L));
    // Strings that are looked up in what a script returned, when memory may be short: they exist from now on.
    for (const name of replyFields) {
      this.lua.pushLatin1(name);
      this.lua.ref();
    }
  }

  /** Compiles code and returns the function, or the error's text. */
  compile(code: Buffer, chunkName: string): KeptValue | string {
    const { lua } = this;
    const status = lua.load(code, chunkName);
    if (status === LuaStatus.ok) return lua.keep();
    const message = lua.toLatin1(-1) ?? '';
    lua.pop();
    if (status === LuaStatus.memoryError) this.recover();
    return message;
  }

  /**
   * Begins a run: from here on all pushes go to the script's own stack. To be followed by `start`.
   *
   * @param startedAt in µs, of the clock
   */
  prepare(scriptName: string, startedAt: number): void {
    if (this.thread === 0) this.makeThread();
    this.scriptName = scriptName;
    this.startedAt = startedAt;
    this.continuedAt = startedAt;
    this.sandbox.begin();
    this.lua.L = this.thread;
  }

  /**
   * Runs a script with the keys and arguments of EVAL, which begin at `from`.
   *
   * @param startedAt in µs, of the clock
   */
  run(
    scriptName: string,
    script: KeptValue,
    args: Bytes[],
    from: number,
    argc: number,
    keyCount: number,
    startedAt: number,
  ): Outcome {
    this.prepare(scriptName, startedAt);
    this.sandbox.interrupted = false;
    let status: number;
    try {
      status = this.lua.runScript(this.thread, script, args, from, argc, keyCount);
    } catch (error) {
      return this.lose(error);
    }
    return status === LuaStatus.ok ? 'returned' : this.stopped(status);
  }

  /** Calls the function under so many arguments on the stack. */
  start(args: number): Outcome {
    return this.resume(args);
  }

  /**
   * As `start`, but others have no turn meanwhile, and the function must be done in this time, in µs, or fails with the
   * text.
   */
  startLimited(args: number, limit: number, text: string): Outcome {
    this.hardLimit = limit;
    this.hardLimitText = text;
    try {
      return this.resume(args);
    } finally {
      this.hardLimit = undefined;
    }
  }

  /** Goes on with what was suspended. */
  continue(): Outcome {
    this.lua.L = this.thread;
    this.continuedAt = this.settings.clock.microseconds();
    return this.resume(0);
  }

  /** Ends a suspended run with an error. */
  abandon(text: string): void {
    const { lua } = this;
    lua.L = this.thread;
    this.error = errorAt(text, this.scriptName, this.suspendedAt);
    this.dropThread();
  }

  /** Ends a run that returned: forgets its results. */
  finish(): void {
    this.lua.setTop(0);
    this.lua.L = this.lua.main;
  }

  /** Bytes of memory that Lua has in use. */
  get usedBytes(): number {
    return this.lua.usedBytes;
  }

  private resume(args: number): Outcome {
    this.sandbox.interrupted = false;
    let status: number;
    try {
      status = this.lua.resume(this.thread, args);
    } catch (error) {
      return this.lose(error);
    }
    return status === LuaStatus.ok ? 'returned' : this.stopped(status);
  }

  /** A run stopped before its end. */
  private stopped(status: number): Outcome {
    const { lua, sandbox } = this;
    lua.L = this.thread; // the hook may have looked at another one
    if (status === LuaStatus.yielded) {
      if (sandbox.interrupted) {
        lua.L = lua.main;
        return 'suspended';
      }
      const text = 'attempt to yield across metamethod/C-call boundary';
      this.error = errorAt(text, this.scriptName, placeOf(lua));
    } else {
      this.error = readError(lua, this.scriptName);
    }
    this.dropThread();
    if (status === LuaStatus.memoryError) this.recover();
    return 'failed';
  }

  /** Something else than a Lua error came out of the machine: native stack exhausted, a defect of ours. */
  lose(error: unknown): Outcome {
    this.lost = true;
    const why = error instanceof Error ? error.message : String(error);
    this.error = {
      message: `ERR the script broke its Lua machine, which starts anew: ${why} script: ${this.scriptName}`,
      counted: false,
    };
    return 'failed';
  }

  /** Memory was short: frees what it can. A machine that has grown large never shrinks, so it is given up at once. */
  private recover(): void {
    const { lua, settings } = this;
    this.lost = lua.heap.length > settings.memoryLimit / 4;
    if (this.lost) return;
    try {
      lua.gc(GcCommand.collect);
    } catch {
      this.lost = true;
    }
  }

  private makeThread(): void {
    const { lua } = this;
    this.thread = lua.newThread();
    this.threadRef = lua.ref();
    lua.watch(this.thread, this.hook);
  }

  /** A thread that failed or was given up cannot be used again. */
  private dropThread(): void {
    const { lua } = this;
    lua.L = lua.main;
    lua.unref(this.threadRef);
    this.thread = 0;
  }

  /** Called by Lua now and then. */
  private look(L: number): void {
    this.lua.watched(L);
    const { clock, busyThresholdMs } = this.settings;
    const now = clock.microseconds();
    if (this.hardLimit !== undefined) return this.lookAtLimit(L, now, this.hardLimit);
    if (now - this.startedAt < busyThresholdMs() * 1000) return;
    const { lua } = this;
    if (!lua.canSuspend(L)) return this.lookAtTime(L, now);
    // Now, for a suspended thread tells the line of the instruction before.
    lua.L = L;
    this.suspendedAt = placeOf(lua);
    this.sandbox.interrupted = true;
    lua.suspend(L);
  }

  /** Called now and then by C and host functions that work long. */
  private lookAtLoop(L: number): void {
    const now = this.settings.clock.microseconds();
    if (this.hardLimit !== undefined) return this.lookAtLimit(L, now, this.hardLimit);
    this.lookAtTime(L, now);
    // Lua counts its own steps only: a few of them may take long with such functions.
    if (now - this.startedAt >= this.settings.busyThresholdMs() * 1000) this.lua.watchSoon(L);
  }

  private lookAtLimit(L: number, now: number, limit: number): void {
    if (now - this.startedAt > limit) this.end(L, this.hardLimitText);
  }

  /** Ends the script if it has been for too long where it cannot be suspended. */
  private lookAtTime(L: number, now: number): void {
    const timeIsUp = this.startedAt + this.settings.busyThresholdMs() * 1000;
    if (now > Math.max(timeIsUp, this.continuedAt) + patienceMicroseconds)
      this.end(L, 'Script ended: it ran for too long where it cannot be interrupted');
  }

  /** Raises an error in the thread that the script cannot catch. */
  private end(L: number, text: string): never {
    this.sandbox.ended = true;
    this.lua.L = L;
    return this.lua.error(text);
  }
}
