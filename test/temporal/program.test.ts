import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build, download, NoTemporalServer, temporalProgram, type Source } from '../../src/temporal/program.ts'

let folder: string
let cache: string
let said: string[]
const say = (line: string): void => void said.push(line)

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'stevedore-program-'))
  cache = join(folder, 'cache')
  said = []
})

afterEach(() => rmSync(folder, { recursive: true, force: true }))

function program(path: string, script = '#!/bin/sh\n'): string {
  mkdirSync(join(path, '..'), { recursive: true })
  writeFileSync(path, script)
  chmodSync(path, 0o755)
  return path
}

const source = (what: string, fetch: Source['fetch']): Source => ({ what, fetch })

test('the PATH is looked at first, then the cache, and nothing is fetched when it is there', async () => {
  const sources = [source('download', () => Promise.reject(new Error('not asked')))]
  const cached = program(join(cache, 'bin', 'temporal'))
  expect(await temporalProgram({ cache, say, sources, env: { PATH: join(folder, 'empty') } })).toBe(cached)
  const onPath = program(join(folder, 'bin', 'temporal'))
  expect(await temporalProgram({ cache, say, sources, env: { PATH: join(folder, 'bin') } })).toBe(onPath)
})

test('a file on the PATH that nobody may run is not taken for it', async () => {
  const file = program(join(folder, 'bin', 'temporal'))
  chmodSync(file, 0o644)
  const cached = program(join(cache, 'bin', 'temporal'))
  expect(await temporalProgram({ cache, say, env: { PATH: join(folder, 'bin') } })).toBe(cached)
})

test('sources are asked one after another, and what they bring is kept in the cache', async () => {
  const asked: string[] = []
  const sources = [
    source('download', () => {
      asked.push('download')
      return Promise.reject(new Error('the host is blocked'))
    }),
    source('build', async (path) => {
      asked.push('build')
      program(path)
    }),
  ]
  const search = { cache, say, sources, env: { PATH: '' } }
  expect(await temporalProgram(search)).toBe(join(cache, 'bin', 'temporal'))
  expect(await temporalProgram(search)).toBe(join(cache, 'bin', 'temporal'))
  expect(asked).toEqual(['download', 'build'])
})

test('when it can be got nowhere the message says what was tried and what to do', async () => {
  const sources = [source('download', () => Promise.reject(new Error('blocked\nat line 5')))]
  const failure = temporalProgram({ cache, say, sources, env: { PATH: '' } })
  await expect(failure).rejects.toThrow(NoTemporalServer)
  await expect(failure).rejects.toThrow(/download: blocked\nEither set TEMPORAL_ADDRESS/)
})

async function serving(server: Server): Promise<string> {
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

test('the program is downloaded as the archive of this platform, and nothing but it is kept', async () => {
  const script = program(join(folder, 'packed', 'temporal'), '#!/bin/sh\necho it\n')
  execFileSync('tar', ['-czf', join(folder, 'archive.tar.gz'), '-C', join(script, '..'), 'temporal'])
  const asked: (string | undefined)[] = []
  const server = createServer(({ url }, answer) => {
    asked.push(url)
    answer.end(readFileSync(join(folder, 'archive.tar.gz')))
  })
  try {
    const sources = [download(await serving(server))]
    const path = await temporalProgram({ cache, say, sources, env: { PATH: '/usr/bin:/bin' } })
    expect(execFileSync(path, { encoding: 'utf8' })).toBe('it\n')
    expect(readdirSync(join(cache, 'bin'))).toEqual(['temporal'])
    expect(asked).toHaveLength(1)
    expect(asked[0]).toMatch(/^\/cli\/archive\/latest\?platform=(linux|darwin)&arch=(amd64|arm64)$/)
  } finally {
    server.close()
  }
})

test('a download that is refused, or called off, says so and leaves nothing', async () => {
  const server = createServer((_, answer) => void answer.writeHead(403).end())
  const silent = createServer(() => undefined)
  try {
    const search = { cache, say, env: { PATH: '' } }
    await expect(temporalProgram({ ...search, sources: [download(await serving(server))] })).rejects.toThrow(
      /latest\?platform=.*: it answers 403/,
    )
    const called = new AbortController()
    const off = new Error('called off')
    setTimeout(() => called.abort(off), 100)
    const sources = [download(await serving(silent))]
    await expect(temporalProgram({ ...search, sources, signal: called.signal })).rejects.toBe(off)
    expect(readdirSync(join(cache, 'bin'))).toEqual([])
  } finally {
    server.close()
    silent.close()
  }
})

test('a build says that it goes on, and how long already, and leaves nothing but the program', async () => {
  const bin = join(folder, 'go')
  program(
    join(bin, 'go'),
    '#!/bin/sh\nsleep 6\nprintf "#!/bin/sh\\n" > "$GOBIN/temporal"\nchmod +x "$GOBIN/temporal"\n',
  )
  const env = { ...process.env, PATH: `${bin}:/usr/bin:/bin` }
  const path = await temporalProgram({ cache, say, sources: [build], env: { ...env, PATH: `${bin}:/usr/bin:/bin` } })
  expect(path).toBe(join(cache, 'bin', 'temporal'))
  expect(said[0]).toContain('Building the Temporal server with Go')
  expect(said[1]).toBe('Building the Temporal server… 5 s')
  expect(readdirSync(join(cache, 'bin'))).toEqual(['temporal'])
})

test('a build that fails says why, and leaves no half of a program', async () => {
  const bin = join(folder, 'go')
  program(join(bin, 'go'), '#!/bin/sh\necho half > "$GOBIN/temporal"\necho "go: requires go >= 1.25" >&2\nexit 1\n')
  const search = { cache, say, sources: [build], env: { PATH: `${bin}:/usr/bin:/bin` } }
  await expect(temporalProgram(search)).rejects.toThrow('go: requires go >= 1.25')
  expect(existsSync(join(cache, 'bin', 'temporal'))).toBe(false)
  const without = { ...search, env: { PATH: '' } }
  await expect(temporalProgram(without)).rejects.toThrow('there is no go on the PATH')
})
