import { beforeEach, describe, expect, it } from '@jest/globals';
import { provide, ServiceMissing, type Means } from './provide.js';

describe('how the launcher comes by a service', () => {
  let answering: Set<string>;
  let installed: boolean;
  let done: string[];

  beforeEach(() => {
    answering = new Set();
    installed = false;
    done = [];
  });

  const means = (changes: Partial<Means> = {}): Means => ({
    service: 'Thing',
    variable: 'THING_URL',
    local: ['thing://first', 'thing://me:secret@second'],
    probe: async (url) => (answering.has(url) ? undefined : 'connection refused'),
    installed: () => installed,
    start: async () => {
      done.push('started');
      return { url: 'thing://throwaway', stop: async () => void done.push('stopped') };
    },
    advice: ['brew install thing'],
    ...changes,
  });

  const install = async (): Promise<void> => {
    done.push('installed');
    installed = true;
  };

  const say = (): void => undefined;

  it('uses the one that the environment names, whatever else there is', async () => {
    answering = new Set(['thing://given', 'thing://first']);
    const service = await provide(means({ given: 'thing://given' }), say);
    expect(service).toMatchObject({ url: 'thing://given', origin: 'Thing: thing://given, which THING_URL names' });
    await service.stop();
    expect(done).toEqual([]);
  });

  it('fails when the one that the environment names does not answer, without showing its password', async () => {
    answering = new Set(['thing://first']);
    installed = true;
    const given = 'thing://me:secret@elsewhere';
    await expect(provide(means({ given, install }), say)).rejects.toEqual(
      new ServiceMissing("THING_URL is thing://me@elsewhere, but that can't be used: connection refused"),
    );
    expect(done).toEqual([]);
  });

  it('uses a local one that answers before it starts one', async () => {
    answering = new Set(['thing://me:secret@second']);
    installed = true;
    const service = await provide(means({ install }), say);
    expect(service).toMatchObject({
      url: 'thing://me:secret@second',
      origin: 'Thing: thing://me@second, which runs here',
    });
    expect(done).toEqual([]);
  });

  it('starts one from installed binaries, and stops it', async () => {
    installed = true;
    const service = await provide(means({ install }), say);
    expect(service).toMatchObject({
      url: 'thing://throwaway',
      origin: 'Thing: thing://throwaway, started for this run',
    });
    await service.stop();
    expect(done).toEqual(['started', 'stopped']);
  });

  it('installs the binaries where it may', async () => {
    const said: string[] = [];
    const service = await provide(means({ install }), (line) => said.push(line));
    expect(service.url).toBe('thing://throwaway');
    expect(done).toEqual(['installed', 'started']);
    expect(said).toEqual(['Thing: none answers and none is installed; installing it from packages']);
  });

  it('says what is missing and how to get it where it can do nothing', async () => {
    const failure = await provide(means(), say).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(ServiceMissing);
    expect((failure as Error).message).toBe(
      [
        'The tests need Thing, and there is none:',
        '  thing://first: connection refused',
        '  thing://me@second: connection refused',
        '  no installed binaries were found',
        'Set THING_URL to one that runs elsewhere, or get one by any of',
        '  brew install thing',
      ].join('\n'),
    );
  });
});
