// The program `afterglow`.
#include "apps/commands.hpp"

int main(int argc, char** argv) { return afterglow::run_program(argc, argv); }
