import { RawClient } from './raw-client.js';
import { type SpawnedServer, startRedisServer } from './redis-server.js';
import { plain } from './reply-reader.mjs';

/** A redis-server of our own that is asked what it does, for tests in `describeWithRedisServer`. */
export class Oracle {
  private constructor(
    private readonly server: SpawnedServer,
    private readonly client: RawClient,
  ) {}

  static async start(): Promise<Oracle> {
    const server = await startRedisServer();
    return new Oracle(server, await RawClient.connect({ port: server.port }));
  }

  /**
   * Sends one command and waits for its reply as plain values; of an error, its text with the leading `-`. Replies
   * come in the order of the commands, so that one need not wait for each.
   */
  async send(...words: string[]): Promise<unknown> {
    const reply = plain(await this.client.send(...words));
    return reply instanceof Error ? `-${reply.message}` : reply;
  }

  async stop(): Promise<void> {
    await this.client.close();
    await this.server.stop();
  }
}
