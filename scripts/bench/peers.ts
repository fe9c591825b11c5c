import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { readConfig } from '../../src/config.ts'
import { output } from '../rig/processes.ts'

type PeerName = 'rclone' | 'rsync'

export interface Peer {
  name: PeerName
  path: string
  /** As the tool says it. */
  version: string
  /** Copies the content of one folder into another. */
  args(source: string, destination: string): string[]
}

export type Peers = Partial<Record<PeerName, Peer>>

const rcloneVersion = 'v1.76.0'

/**
 * The tools we are compared with, at their defaults. What is missing is said, with the reason, and stays missing in the
 * result: a gate that needs it can't be passed.
 */
export function findPeers(say: (line: string) => void): Peers {
  const rclone = findRclone(say)
  const rsync = findRsync(say)
  return { ...(rclone ? { rclone } : {}), ...(rsync ? { rsync } : {}) }
}

function findRclone(say: (line: string) => void): Peer | undefined {
  const cache = join(readConfig().cache, 'bin')
  const inCache = join(cache, 'rclone')
  const known = [...onPath('rclone'), inCache].filter((path) => existsSync(path))
  for (const path of known) {
    const version = rcloneVersionOf(path)
    // A module built with `go install` calls itself v1.76.0-DEV.
    if (version?.startsWith(rcloneVersion)) return rcloneAt(path, version)
    say(`rclone: ${path} is ${version ?? 'not runnable'}, not ${rcloneVersion}: passed over`)
  }
  const [go] = [...onPath('go'), '/usr/local/go/bin/go', '/usr/lib/go/bin/go'].filter((path) => existsSync(path))
  if (go === undefined) {
    say(`rclone ${rcloneVersion} is MISSING: not on PATH, not in ${cache}, and there is no go to build it with`)
    return undefined
  }
  say(`rclone: building ${rcloneVersion} into ${cache} (some minutes, once) …`)
  mkdirSync(cache, { recursive: true })
  const built = spawnSync(go, ['install', `github.com/rclone/rclone@${rcloneVersion}`], {
    env: { ...process.env, GOBIN: cache },
    encoding: 'utf8',
  })
  const version = built.status === 0 ? rcloneVersionOf(inCache) : undefined
  if (version) return rcloneAt(inCache, version)
  say(
    `rclone ${rcloneVersion} is MISSING: go install failed: ${(built.stderr || String(built.error)).trim().slice(-500)}`,
  )
  return undefined
}

function rcloneVersionOf(path: string): string | undefined {
  const { stdout } = spawnSync(path, ['version', '--config', '/dev/null'], { encoding: 'utf8' })
  return /^rclone (\S+)/.exec(stdout ?? '')?.[1]
}

function rcloneAt(path: string, version: string): Peer {
  return { name: 'rclone', path, version, args: (s, d) => ['copy', '-q', '--config', '/dev/null', s, d] }
}

function findRsync(say: (line: string) => void): Peer | undefined {
  const [path] = onPath('rsync').filter((found) => existsSync(found))
  const said = path && spawnSync(path, ['--version'], { encoding: 'utf8' }).stdout
  const version = /version (\S+)/.exec(said || '')?.[1]
  if (path === undefined || version === undefined) {
    say('rsync is MISSING: install it with the package manager (apt-get install rsync)')
    return undefined
  }
  return { name: 'rsync', path, version, args: (s, d) => ['-a', `${s}/`, `${d}/`] }
}

function onPath(name: string): string[] {
  return (process.env['PATH'] ?? '').split(delimiter).map((folder) => join(folder, name))
}

/** @returns seconds it took @throws Error with what it wrote when it fails */
export async function runPeer(peer: Peer, source: string, destination: string): Promise<number> {
  const began = performance.now()
  const child = spawn(peer.path, peer.args(source, destination), { stdio: ['ignore', 'pipe', 'pipe'] })
  const { code, stderr } = await output(child)
  const seconds = (performance.now() - began) / 1000
  if (code !== 0) throw new Error(`${peer.name} ended with ${code}: ${stderr.slice(-2_000)}`)
  return seconds
}
