import { defineConfig } from "vite";

// One file that any page can load with a script tag.
export default defineConfig({
  build: {
    target: "es2022",
    lib: { entry: "src/main.ts", formats: ["iife"], name: "WaypostChat", fileName: () => "widget.js" },
    reportCompressedSize: false,
  },
});
