import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe } from 'vitest';

const hasOpenssl = spawnSync('openssl', ['version']).error === undefined;

/**
 * `describe` for tests that need certificates, which openssl makes. Where there is none the block is skipped,
 * and says so.
 */
export const describeWithOpenssl: (name: string, tests: () => void) => void = hasOpenssl
  ? describe
  : (name, tests) => describe.skip(`${name} (skipped: openssl is not installed)`, tests);

/** Paths of a certificate and its key. */
export interface KeyPair {
  cert: string;
  key: string;
}

/** A certificate authority in a folder of its own, which goes when the tests of the block are over. */
export class Authority {
  private folder = '';

  constructor() {
    beforeAll(() => {
      this.folder = mkdtempSync(join(tmpdir(), 'respite-tls-'));
      this.openssl('req', '-x509', ...newKey, '-keyout', 'ca.key', '-out', 'ca.crt', '-subj', '/CN=test-ca');
    });
    afterAll(() => rmSync(this.folder, { recursive: true }));
  }

  get cert(): string {
    return join(this.folder, 'ca.crt');
  }

  /** A certificate for 127.0.0.1 that this authority signed, with a key of its own. */
  issue(name: string): KeyPair {
    this.openssl('req', ...newKey, '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', `/CN=${name}`);
    writeFileSync(join(this.folder, 'extensions'), 'subjectAltName=IP:127.0.0.1,DNS:localhost\n');
    const signing = ['-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial', '-extfile', 'extensions'];
    this.openssl('x509', '-req', '-in', `${name}.csr`, '-out', `${name}.crt`, ...signing);
    return { cert: join(this.folder, `${name}.crt`), key: join(this.folder, `${name}.key`) };
  }

  private openssl(...args: string[]): void {
    execFileSync('openssl', args, { cwd: this.folder, stdio: 'pipe' });
  }
}

const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
