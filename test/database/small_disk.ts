import { execFileSync } from 'node:child_process'

/** Mounts 2 MiB of memory as a new folder, to be unmounted by the test; false without the right to. */
export function mounted(folder: string): boolean {
  try {
    execFileSync('mkdir', [folder])
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', folder], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}
