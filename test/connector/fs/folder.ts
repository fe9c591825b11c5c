import * as disk from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach } from '@jest/globals'
import { fs } from '../../../src/connector/fs/fs.ts'
import { FsSession } from '../../../src/connector/fs/session.ts'
import { settingsOf } from '../../../src/connector/fs/settings.ts'
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

/** A session as systems without /proc have it, closed after the test. */
export function aSessionByPaths(root: string, settings: Record<string, unknown> = {}): Session {
  const session = new FsSession(settingsOf({ root, ...settings }), { xattrs: null, handles: false })
  sessions.push(session)
  return session
}
