import * as disk from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach } from '@jest/globals'
import { fs } from '../../../src/connector/fs/fs.ts'
import type { Session } from '../../../src/connector/connector.ts'

const folders: string[] = []
const sessions: Session[] = []

afterEach(async () => {
  for (const session of sessions.splice(0)) await session.close()
  for (const folder of folders.splice(0)) disk.rmSync(folder, { recursive: true, force: true })
})

/** An empty folder, gone after the test. */
export function aFolder(): string {
  const folder = disk.mkdtempSync(join(disk.existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'stevedore-fs-'))
  folders.push(folder)
  return folder
}

/** A session, closed after the test. */
export async function aSession(root: string, settings: Record<string, unknown> = {}): Promise<Session> {
  const session = await fs.open({ root, ...settings })
  sessions.push(session)
  return session
}
