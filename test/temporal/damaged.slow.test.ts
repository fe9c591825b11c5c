import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { readConfig } from '../../src/config.ts'
import { openHome } from '../../src/home/home.ts'
import { openServer, type TemporalServer } from '../../src/temporal/server.ts'

const pageBytes = 4_096

// With the first the server does not start; with the second it starts, and never answers.
test.each([1, 5])(
  'a temporal.db of which page %i is damaged keeps no home from being served: it is moved aside',
  async (page) => {
    const home = openHome(mkdtempSync(join(tmpdir(), 'stevedore-damaged-')))
    const said: string[] = []
    const serve = (): Promise<TemporalServer> =>
      openServer(home, { config: readConfig(), say: (line) => void said.push(line) })
    try {
      await (await serve()).close()
      const pages = readFileSync(home.temporal)
      pages.fill(0x5a, page * pageBytes + 8, (page + 1) * pageBytes - 96)
      writeFileSync(home.temporal, pages)
      rmSync(`${home.temporal}-journal`, { force: true })
      const server = await serve()
      await server.answers()
      await server.close()
      expect(said).toEqual([expect.stringMatching(/temporal\.db is moved to .*: it is damaged \(.+\)\. Jobs go on/)])
    } finally {
      rmSync(home.path, { recursive: true, force: true })
    }
  },
  60_000,
)
