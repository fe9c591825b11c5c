import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
} from 'node:fs'
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
  return builtOnce({ file: `${name}-${version}`, minutes, how: `go install ${from}` }, say, (go, folder) => {
    go(['install', '-trimpath', '-ldflags', '-s -w', from], { GOBIN: folder })
    return join(folder, readdirSync(folder)[0] ?? '')
  })
}

interface GoModule extends GoProgram {
  /** A module of ours around it, where upstream's own no longer builds by itself. */
  around: string
}

/** As {@link goProgram}, of a module of ours; it is built again when that changes. @throws MissingServer */
export function goModule({ name, package: from, minutes, around }: GoModule, say: (line: string) => void): string {
  const version = from.slice(from.lastIndexOf('@') + 1)
  const file = `${name}-${version}-${hashOf(around)}`
  return builtOnce({ file, minutes, how: `go build in ${around}` }, say, (go, folder) => {
    cpSync(around, folder, { recursive: true })
    // What upstream was built with is what this is, to the byte; the module's own sums are of what stands around it.
    const { Dir } = JSON.parse(go(['mod', 'download', '-json', from], {})) as { Dir: string }
    appendFileSync(join(folder, 'go.sum'), readFileSync(join(Dir, 'go.sum')))
    go(['build', '-trimpath', '-ldflags', '-s -w', '-o', 'program', '.'], { GOFLAGS: '-mod=mod' })
    return join(folder, 'program')
  })
}

type Go = (args: readonly string[], env: Record<string, string>) => string

function builtOnce(
  { file, minutes, how }: { file: string; minutes: number; how: string },
  say: (line: string) => void,
  build: (go: Go, folder: string) => string,
): string {
  const bin = join(readConfig().cache, 'bin')
  const path = join(bin, file)
  if (existsSync(path)) return path
  const program = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/local/go/bin', '/usr/lib/go/bin']
    .map((folder) => join(folder, 'go'))
    .find((program) => existsSync(program))
  if (program === undefined)
    throw new MissingServer(`${file}: it is built by Go (https://go.dev/dl), which is not here; then: ${how}`)
  say(`${file}: building it into ${bin} (about ${minutes} min, once) …`)
  mkdirSync(bin, { recursive: true })
  const folder = mkdtempSync(`${path}.`)
  const go: Go = (args, env) => {
    const { status, stdout, stderr, error } = spawnSync(program, args, {
      cwd: folder,
      env: { ...process.env, ...env },
      encoding: 'utf8',
    })
    if (status !== 0) throw new MissingServer(`${file}: ${how} failed: ${(stderr || String(error)).trim().slice(-500)}`)
    return stdout
  }
  try {
    renameSync(build(go, folder), path)
    return path
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function hashOf(folder: string): string {
  const hash = createHash('sha256')
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  for (const path of files.map((entry) => join(entry.parentPath, entry.name)).sort()) hash.update(readFileSync(path))
  return hash.digest('hex').slice(0, 8)
}
