import type { RespiteServer } from './server.js';

/**
 * Writes to the log what may tell why the process dies: the signal, where the code was, and INFO. Each part
 * by itself, for any of them may fail in a server that is broken.
 */
export function reportCrash(server: RespiteServer, signal: string, number: number): void {
  const { log, config } = server;
  if (!config.values['crash-log-enabled']) return;
  log.warning('=== RESPITE BUG REPORT START: please send all of it to the maintainers ===');
  log.warning(`Respite ${server.version} crashed by signal: ${number} (${signal})`);
  const parts: [string, () => string][] = [
    ['STACK TRACE', () => new Error().stack?.split('\n').slice(1).join('\n') ?? ''],
    ['INFO OUTPUT', () => server.info(['everything'])],
  ];
  for (const [title, content] of parts) {
    try {
      log.warning(`------ ${title} ------\n${content()}`);
    } catch (error) {
      log.warning(`------ ${title} ------\nnot to be had: ${(error as Error).message}`);
    }
  }
  log.warning('=== RESPITE BUG REPORT END ===');
}
