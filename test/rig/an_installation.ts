import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll } from '@jest/globals'
import { Installation } from '../../scripts/rig/installation.ts'
import { endAll } from '../../scripts/rig/processes.ts'

/** The command as people run it, in a folder of its own, for the tests of a file: up before the first, and gone after the last. */
export function anInstallation(
  name: string,
  prepare: (folder: string) => void,
): { folder: string; installation: Installation } {
  const folder = mkdtempSync(join(tmpdir(), `stevedore-${name}-`))
  const installation = new Installation(folder)
  beforeAll(async () => {
    prepare(folder)
    await installation.up()
  }, 180_000)
  afterAll(async () => {
    await installation.down()
    await endAll()
    rmSync(folder, { recursive: true, force: true })
  }, 60_000)
  return { folder, installation }
}
