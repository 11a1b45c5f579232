import { all as allOf, work as workOf } from "./run";

export function all(control: usize): void {
  allOf<f64>(control);
}

export function work(control: usize, thread: i32): void {
  workOf<f64>(control, thread);
}
