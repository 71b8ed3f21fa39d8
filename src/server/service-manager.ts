import { spawnSync } from 'node:child_process';
import type { Log } from '../commands/server-api.js';
import type { Directives } from '../config/config.js';

/** Tells systemd or upstart that the server is ready, if it runs under one and `supervised` says so. */
export function notifyServiceManager(mode: Directives['supervised'], log: Log): void {
  const systemd = process.env.NOTIFY_SOCKET !== undefined;
  const upstart = process.env.UPSTART_JOB !== undefined;
  if (mode === 'systemd' || (mode === 'auto' && systemd)) notifySystemd(systemd, log);
  else if (mode === 'upstart' || (mode === 'auto' && upstart)) stopForUpstart(upstart, log);
}

/** Node has no datagram sockets of the unix kind, so systemd's own tool carries the message. */
function notifySystemd(present: boolean, log: Log): void {
  if (!present) return log.warning('systemd supervision requested, but NOTIFY_SOCKET not found!');
  const result = spawnSync('systemd-notify', [
    '--ready',
    `--pid=${process.pid}`,
    '--status=Ready to accept connections',
  ]);
  if (result.status !== 0) {
    log.warning(
      'systemd supervision: systemd-notify failed. The unit needs NotifyAccess=all, or Type=exec without supervised.',
    );
  }
}

/** `expect stop`: upstart waits for the job to stop itself, and then continues it. */
function stopForUpstart(present: boolean, log: Log): void {
  if (!present) return log.warning('upstart supervision requested, but UPSTART_JOB not found!');
  process.kill(process.pid, 'SIGSTOP');
}
