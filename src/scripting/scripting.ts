import type { Bytes } from '../bytes/bytes.js';
import { CommandError } from '../protocol/errors.js';
import type { ReplyWriter } from '../protocol/reply-writer.js';
import { type FoundFunction, FunctionLibraries } from './function-libraries.js';
import { LuaToReply } from './lua-to-reply.js';
import { LuaVm, type Outcome, type VmSettings } from './lua-vm.js';
import { type Script, ScriptCache } from './script-cache.js';

/** A script or function that is being run; it may be suspended. */
export interface RunningScript {
  kind: 'script' | 'function';
  /** A script's digest, or a function's name. */
  name: string;
  vm: LuaVm;
  /** In µs, of the clock. */
  startedAt: number;
  killed: boolean;
}

/** Of EVAL and FCALL: the keys begin here. */
export const firstKey = 3;

/**
 * Scripts and functions: what is known, and the one that runs. They live in two machines, so that neither can reach the
 * other, nor take its memory. Both start when they are first needed.
 */
export class Scripting {
  readonly scripts = new ScriptCache();
  readonly functions: FunctionLibraries;
  running: RunningScript | undefined;
  private readonly replies = new LuaToReply();
  private evalMachine: LuaVm | undefined;
  private latest: RunningScript | undefined;

  constructor(private readonly settings: VmSettings) {
    this.functions = new FunctionLibraries(settings);
  }

  /** Bytes that Lua has in use for EVAL. */
  get evalVmMemory(): number {
    return this.evalMachine?.usedBytes ?? 0;
  }

  /**
   * The script with this text, compiled. Throws CommandError if it is wrong.
   *
   * @param evictable it may be forgotten when many others came
   */
  load(text: Bytes, evictable: boolean): Script {
    const script = this.scripts.add(text, evictable);
    this.compile(script);
    return script;
  }

  private compile(script: Script): LuaVm {
    const vm = this.evalVm();
    if (script.vm === vm) return vm;
    const compiled = vm.compile(script.code, '@user_script');
    if (typeof compiled === 'string') {
      this.scripts.remove(script);
      throw new CommandError(`ERR Error compiling script (new function): ${compiled}`);
    }
    script.vm = vm;
    script.compiled = compiled;
    return vm;
  }

  private evalVm(): LuaVm {
    if (this.evalMachine === undefined || this.evalMachine.lost) {
      this.evalMachine = new LuaVm(this.settings, true);
    }
    return this.evalMachine;
  }

  /** Forgets all scripts and whatever they left in their machine. */
  flushScripts(): void {
    this.scripts.clear();
    this.evalMachine = undefined;
  }

  /**
   * Runs a script with the keys and arguments of EVAL; `startedAt` in µs, of the clock. Hot: nothing is allocated in
   * JavaScript but what the machine needs.
   */
  runScript(script: Script, args: Bytes[], argc: number, keyCount: number, startedAt: number): Outcome {
    const vm = this.compile(script);
    this.scripts.used(script);
    this.setRunning('script', script.sha, vm, startedAt);
    return vm.run(script.sha, script.compiled!, args, firstKey, argc, keyCount, startedAt);
  }

  /** Runs a function with the keys and arguments of FCALL; `startedAt` in µs, of the clock. */
  runFunction(
    { vm, registered }: FoundFunction,
    args: Bytes[],
    argc: number,
    keyCount: number,
    startedAt: number,
  ): Outcome {
    this.setRunning('function', registered.name, vm, startedAt);
    const { lua } = vm;
    try {
      vm.prepare(registered.name, startedAt);
      lua.pushRef(registered.ref);
      lua.pushStrings(args, firstKey, firstKey + keyCount);
      lua.pushStrings(args, firstKey + keyCount, argc);
    } catch (error) {
      return vm.lose(error);
    }
    return vm.start(2);
  }

  /** There is one object for all, as only one runs at a time. */
  private setRunning(kind: RunningScript['kind'], name: string, vm: LuaVm, startedAt: number): void {
    if (this.latest === undefined) this.latest = { kind, name, vm, startedAt, killed: false };
    const { latest } = this;
    latest.kind = kind;
    latest.name = name;
    latest.vm = vm;
    latest.startedAt = startedAt;
    latest.killed = false;
    this.running = latest;
  }

  /** Goes on with the script that is suspended, unless somebody ended it. */
  continue(): Outcome {
    const { vm, killed } = this.running!;
    if (!killed) return vm.continue();
    vm.abandon('Script killed by user with SCRIPT KILL...');
    return 'failed';
  }

  /**
   * Writes what the script that ran returned, or its error, and lets go of it. Returns true if the reply is an error
   * that was counted when it happened.
   *
   * @param protocol the one that the script chose
   */
  reply(outcome: Exclude<Outcome, 'suspended'>, reply: ReplyWriter, protocol: 2 | 3): boolean {
    const { vm } = this.running!;
    this.running = undefined;
    if (outcome === 'failed') {
      reply.error(vm.error.message);
      return vm.error.counted;
    }
    this.replies.countedError = false;
    const { lua } = vm;
    if (lua.getTop() > 0) {
      lua.setTop(1); // the first of several results
      this.replies.write(lua, reply, protocol);
    } else reply.null();
    vm.finish();
    return this.replies.countedError;
  }
}
