import { redisVersion } from '../commands/server-api.js';
import { ScriptCaller } from '../dispatch/script-caller.js';
import type { ScriptRunner } from '../dispatch/script-commands.js';
import { Scripting } from '../scripting/scripting.js';
import type { RespiteServer } from './server.js';

/**
 * Most memory of each of the two Lua machines, in bytes: what a 32-bit one can have. A script that wants more fails.
 */
const memoryLimit = 2 * 1024 * 1024 * 1024;

/** Connects scripts with the server that runs them. No Lua machine starts before the first script. */
export function connectScripting(server: RespiteServer): { scripting: Scripting; runner: ScriptRunner } {
  const { dispatcher } = server.loop;
  const caller = new ScriptCaller(server, dispatcher);
  const { values } = server.config;
  const scripting = new Scripting({
    clock: server.clock,
    host: caller,
    version: { text: redisVersion, number: versionNumber(redisVersion) },
    memoryLimit,
    cpuSeconds: () => (process.cpuUsage().user + process.cpuUsage().system) / 1e6,
    busyThresholdMs: () => values['busy-reply-threshold'],
  });
  dispatcher.suspension.onSuspended = (first) => {
    if (first) {
      server.log.warning(
        `Slow script detected: still in execution after ${values['busy-reply-threshold']} milliseconds. SCRIPT KILL or FUNCTION KILL ends it if it has written nothing.`,
      );
    }
    goOnLater(server);
  };
  return { scripting, runner: { dispatcher, caller, debugging: new Set() } };
}

/** Others have their turn; then the script goes on. */
function goOnLater(server: RespiteServer): void {
  setImmediate(() => {
    const { loop } = server;
    if (server.isClosing) return;
    loop.dispatcher.beginBatch();
    loop.dispatcher.suspension.resume();
    loop.endBatch();
  });
}

/** 7.2.4 is 0x00070204. */
function versionNumber(text: string): number {
  const [major, minor, patch] = text.split('.').map(Number);
  return (major << 16) | (minor << 8) | patch;
}
