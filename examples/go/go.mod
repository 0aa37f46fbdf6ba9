module example/execcount

go 1.19
