import { redisVersion } from '../commands/server-api.js';
import { respiteVersion } from './version.js';

/** What a person sees first. The line with ` PID: ` is what start scripts look for. */
export function logo(port: number, pid: number): string {
  return `
      .-----------.
     /  .-------.  \\      Respite ${respiteVersion}
    |  /  ~   ~  \\  |     speaks as Redis ${redisVersion}
    | |   ~ ~ ~   | |
    |  \\  ~   ~  /  |     Port: ${port}
     \\  '-------'  /      PID: ${pid}
      '-----------'

`;
}
