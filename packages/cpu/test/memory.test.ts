import { testMemory } from "./memory.ts";

testMemory();
