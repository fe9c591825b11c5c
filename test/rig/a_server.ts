import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from '@jest/globals'
import { servers } from '../../scripts/testbed/servers.ts'
import { MissingServer, start, type Started } from '../../scripts/testbed/server.ts'

/**
 * A real server of the testbed, for the tests of a file. Where it can't be had they are skipped, counted, with how to get it; in
 * CI, which has the time to build it, that is a failure.
 */
export async function aServer(name: string): Promise<Started | undefined> {
  const server = servers.find((one) => one.name === name)
  if (!server) throw new Error(`there is no server ${name} in the testbed`)
  const folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), `stevedore-${name}-`))
  try {
    const started = await start(server, folder, (line) => process.stderr.write(`${line}\n`))
    return {
      ...started,
      async end() {
        await started.end()
        rmSync(folder, { recursive: true, force: true })
      },
    }
  } catch (error) {
    rmSync(folder, { recursive: true, force: true })
    if (!(error instanceof MissingServer) || process.env['CI']) throw error
    process.stderr.write(`${error.message}\n`)
    test.skip(`all of it, because there is no server ${name}`, () => undefined)
    return undefined
  }
}
