import "./degrees.ts";
import "./figure.ts";
import "./graph.ts";
import "./paths.ts";
import "./pattern.ts";
