import { execFile, spawn } from 'node:child_process'
import { accessSync, constants, mkdirSync, mkdtempSync, renameSync, rmSync, statSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'

/** Built by Go where it can't be downloaded. Later tags can't be installed by `go install`: they replace a module. */
const goPackage = 'github.com/temporalio/cli/cmd/temporal@v1.5.1'
const aliveEveryMs = 5_000

/** No server program is here, and none could be got; the message says what to do. */
export class NoTemporalServer extends Error {
  override readonly name = 'NoTemporalServer'
}

interface ProgramSearch {
  /** Where downloaded and built programs are kept. */
  cache: string
  say(line: string): void
  /** Calls the search off, downloads and builds too. */
  signal?: AbortSignal | undefined
  env?: Readonly<Record<string, string | undefined>>
  /** How it can be got when it is not here, in this order. Default: download, then Go. */
  sources?: readonly Source[]
}

/** Puts the program at `path`, or says why it can't. */
export interface Source {
  what: string
  fetch(path: string, search: ProgramSearch): Promise<void>
}

/**
 * The `temporal` program: on the PATH, in the cache, downloaded, or built; the last two end in the cache.
 * @throws NoTemporalServer; the signal's reason when it was called off
 */
export async function temporalProgram(search: ProgramSearch): Promise<string> {
  const { cache, env = process.env, sources = [download(), build], signal } = search
  const cached = join(cache, 'bin', executable('temporal'))
  const here = [
    ...(env['PATH'] ?? '')
      .split(delimiter)
      .filter(Boolean)
      .map((folder) => join(folder, executable('temporal'))),
    cached,
  ]
  const found = here.find(isProgram)
  if (found !== undefined) return found
  const tried: string[] = []
  mkdirSync(join(cache, 'bin'), { recursive: true })
  for (const source of sources) {
    signal?.throwIfAborted()
    try {
      await source.fetch(cached, search)
      if (isProgram(cached)) return cached
      tried.push(`${source.what}: it left no program`)
    } catch (error) {
      signal?.throwIfAborted()
      tried.push(`${source.what}: ${firstLine(error)}`)
    }
  }
  throw new NoTemporalServer(
    [
      'There is no Temporal server, and none could be got:',
      ...tried.map((line) => `  ${line}`),
      'Either set TEMPORAL_ADDRESS=host:port to use one that runs elsewhere,',
      'or put the program "temporal" (https://docs.temporal.io/cli) on the PATH,',
      `or install Go 1.25 or newer and try again: it is then built once, into ${cached}.`,
    ].join('\n'),
  )
}

/** What the program says of itself, with the versions of server and UI in it. */
export async function programVersion(path: string): Promise<string> {
  const { stdout } = await promisify(execFile)(path, ['--version'], { timeout: 30_000 })
  return stdout.trim()
}

/** @param origin where Temporal's documentation says that the program is, an archive for each platform; tests have their own */
export function download(origin = 'https://temporal.download'): Source {
  const platform = process.platform === 'win32' ? 'windows' : process.platform
  const arch = process.arch === 'x64' ? 'amd64' : process.arch
  const url = `${origin}/cli/archive/latest?platform=${platform}&arch=${arch}`
  return {
    what: url,
    async fetch(path, { say, signal, env = process.env }) {
      const folder = mkdtempSync(`${path}.`)
      const done = keepSaying(say, 'Downloading the Temporal server')
      try {
        const answer = await fetch(url, signal ? { signal } : {})
        if (!answer.ok || !answer.body) throw new Error(`it answers ${answer.status} ${answer.statusText}`)
        const archive = join(folder, 'archive')
        await writeFile(archive, answer.body, { signal })
        await run('tar', ['-xf', archive, '-C', folder], env, signal)
        renameSync(join(folder, executable('temporal')), path)
      } finally {
        done()
        rmSync(folder, { recursive: true, force: true })
      }
    },
  }
}

export const build: Source = {
  what: `go install ${goPackage}`,
  async fetch(path, { say, signal, env = process.env }) {
    const folder = mkdtempSync(`${path}.`)
    say(`Building the Temporal server with Go (${goPackage}); the first time takes about five minutes on two cores.`)
    const done = keepSaying(say, 'Building the Temporal server')
    try {
      await run('go', ['install', goPackage], { ...env, GOBIN: folder }, signal)
      renameSync(join(folder, executable('temporal')), path)
    } finally {
      done()
      rmSync(folder, { recursive: true, force: true })
    }
  },
}

function run(
  program: string,
  args: string[],
  env: Readonly<Record<string, string | undefined>>,
  signal?: AbortSignal,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      env: env as NodeJS.ProcessEnv,
      stdio: ['ignore', 'ignore', 'pipe'],
      ...(signal ? { signal } : {}),
    })
    let last = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => (last = `${last}${text}`.slice(-2_000)))
    child.on('error', (error: NodeJS.ErrnoException) =>
      reject(error.code === 'ENOENT' ? new Error(`there is no ${program} on the PATH`) : error),
    )
    child.on('close', (code, signal) => {
      if (code === 0) resolve()
      else reject(new Error(last.trim().split('\n').at(-1) || `${program} ended with ${code ?? signal}`))
    })
  })
}

/** A line every few seconds: it is alive, and for how long. */
function keepSaying(say: (line: string) => void, what: string): () => void {
  const begun = Date.now()
  const timer = setInterval(() => say(`${what}… ${Math.round((Date.now() - begun) / 1_000)} s`), aliveEveryMs)
  return () => clearInterval(timer)
}

function executable(name: string): string {
  return process.platform === 'win32' ? `${name}.exe` : name
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return statSync(path).isFile()
  } catch {
    return false
  }
}

/** What `fetch` raises says only in its cause why it failed. */
function firstLine(error: unknown): string {
  const { message, cause } = error instanceof Error ? error : new Error(String(error))
  const text = cause instanceof Error ? `${message} (${cause.message})` : message
  return text.split('\n')[0] ?? ''
}
