// A report's page: print it. All figures come from the server.

document.getElementById("print").addEventListener("click", () => window.print());
