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

/** The arguments of a call: `keyCount` keys from `firstKey` on, then the rest. */
export interface ScriptArguments {
  args: Bytes[];
  argc: number;
  firstKey: number;
  keyCount: number;
}

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
    const ref = vm.compile(script.code, '@user_script');
    if (typeof ref === 'string') {
      this.scripts.remove(script);
      throw new CommandError(`ERR Error compiling script (new function): ${ref}`);
    }
    script.vm = vm;
    script.ref = ref;
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

  /** Runs a script; `startedAt` in µs, of the clock. Hot. */
  runScript(script: Script, call: ScriptArguments, startedAt: number): Outcome {
    const vm = this.compile(script);
    this.scripts.used(script);
    this.running = { kind: 'script', name: script.sha, vm, startedAt, killed: false };
    const { lua, sandbox } = vm;
    const { firstKey, keyCount } = call;
    try {
      vm.prepare(script.sha, startedAt);
      sandbox.pushGlobals();
      this.pushArguments(lua, call, firstKey, firstKey + keyCount);
      lua.setField(-2, 'KEYS');
      this.pushArguments(lua, call, firstKey + keyCount, call.argc);
      lua.setField(-2, 'ARGV');
      lua.pop();
      lua.pushRef(script.ref);
    } catch (error) {
      return vm.lose(error); // no memory for the arguments
    }
    return vm.start(0);
  }

  /** Runs a function; `startedAt` in µs, of the clock. */
  runFunction({ vm, registered }: FoundFunction, call: ScriptArguments, startedAt: number): Outcome {
    this.running = { kind: 'function', name: registered.name, vm, startedAt, killed: false };
    const { lua } = vm;
    const { firstKey, keyCount } = call;
    try {
      vm.prepare(registered.name, startedAt);
      lua.pushRef(registered.ref);
      this.pushArguments(lua, call, firstKey, firstKey + keyCount);
      this.pushArguments(lua, call, firstKey + keyCount, call.argc);
    } catch (error) {
      return vm.lose(error);
    }
    return vm.start(2);
  }

  private pushArguments(lua: LuaVm['lua'], { args }: ScriptArguments, from: number, to: number): void {
    lua.createTable(to - from, 0);
    for (let i = from; i < to; i++) {
      lua.pushView(args[i]);
      lua.rawSetI(-2, i - from + 1);
    }
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
    this.writeResult(vm, reply, protocol);
    vm.finish();
    return this.replies.countedError;
  }

  private writeResult({ lua }: LuaVm, reply: ReplyWriter, protocol: 2 | 3): void {
    if (lua.getTop() === 0) lua.pushNil();
    lua.setTop(1); // the first of several results
    this.replies.write(lua, reply, protocol);
  }
}
