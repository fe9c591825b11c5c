import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, mkdtempSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { readConfig } from '../../src/config.ts'
import { MissingServer } from './server.ts'

interface GoProgram {
  name: string
  /** With its version. */
  package: string
  /** How long it took on two cores. */
  minutes: number
}

/** A program that Go builds: once, into the cache, under a name with its version. @throws MissingServer */
export function goProgram({ name, package: from, minutes }: GoProgram, say: (line: string) => void): string {
  const version = from.slice(from.lastIndexOf('@') + 1)
  const bin = join(readConfig().cache, 'bin')
  const path = join(bin, `${name}-${version}`)
  if (existsSync(path)) return path
  const go = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/local/go/bin', '/usr/lib/go/bin']
    .map((folder) => join(folder, 'go'))
    .find((program) => existsSync(program))
  if (go === undefined)
    throw new MissingServer(
      `${name}: it is built by Go (https://go.dev/dl), which is not here; then: go install ${from}`,
    )
  say(`${name}: building ${version} into ${bin} (about ${minutes} min, once) …`)
  mkdirSync(bin, { recursive: true })
  const folder = mkdtempSync(`${path}.`)
  try {
    const { status, stderr, error } = spawnSync(go, ['install', '-trimpath', '-ldflags', '-s -w', from], {
      env: { ...process.env, GOBIN: folder },
      encoding: 'utf8',
    })
    const [built] = status === 0 ? readdirSync(folder) : []
    if (built === undefined)
      throw new MissingServer(`${name}: go install ${from} failed: ${(stderr || String(error)).trim().slice(-500)}`)
    renameSync(join(folder, built), path)
    return path
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
